"""A clone of this commit, deployed to a local cloud of its own: what a user with a fresh machine does."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

ROOT = Path(__file__).resolve().parents[2]
COMMAND_TIMEOUT_S = 900


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended."""

    code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        """Stdout as JSON."""
        return json.loads(self.stdout)


@dataclass(frozen=True, slots=True)
class Checkout:
    """A clone, and the commands a user runs in it."""

    path: Path

    def inv(self, *words: str, expect: int = 0) -> Ran:
        """Run `./scripts/inv WORDS`; fails with its output when the exit code is not `expect`."""
        env = {**os.environ, "CI": "true"}
        done = subprocess.run(
            ["./scripts/inv", *words],
            cwd=self.path,
            env=env,
            capture_output=True,
            text=True,
            timeout=COMMAND_TIMEOUT_S,
            check=False,
        )
        ran = Ran(done.returncode, done.stdout, done.stderr)
        assert expect == ran.code, f"inv {' '.join(words)} ended with {ran.code}\n{ran.stderr[-6000:]}\n{ran.stdout}"
        return ran

    def git(self, *words: str) -> str:
        """Run git here."""
        done = subprocess.run(["git", *words], cwd=self.path, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def commit(self, message: str) -> str:
        """Commit everything; return the new commit."""
        self.git("-c", "user.name=e2e", "-c", "user.email=e2e@example.invalid", "commit", "-qam", message)
        return self.git("rev-parse", "HEAD")

    def replace(self, file: str, old: str, new: str) -> None:
        """Edit one file."""
        path = self.path / file
        text = path.read_text(encoding="utf-8")
        assert old in text, f"{file} has no {old!r}"
        path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """A clone of HEAD under a path with a space in it; its local cloud is removed at the end."""
    path = tmp_path_factory.mktemp("a user's") / "checkout"
    subprocess.run(["git", "clone", "-q", "--local", str(ROOT), str(path)], check=True)
    clone = Checkout(path)
    try:
        yield clone
    finally:
        clone.inv("cloud.down")


def get(url: str, path: str, **options: Any) -> httpx.Response:
    """GET through the load balancer; Python's resolver does not know *.localhost, so the Host header says it."""
    parts = urlsplit(url)
    headers = {"Host": parts.netloc, **options.pop("headers", {})}
    return httpx.get(f"http://127.0.0.1:{parts.port}{path}", headers=headers, timeout=10, **options)


@contextmanager
def visitors(url: str, every_s: float = 0.02) -> Iterator[Counter[str]]:
    """A visitor who keeps asking for the version; counts what came back, by status or by exception."""
    seen: Counter[str] = Counter()
    over = threading.Event()
    parts = urlsplit(url)

    def visit() -> None:
        with httpx.Client(
            base_url=f"http://127.0.0.1:{parts.port}", headers={"Host": parts.netloc}, timeout=10
        ) as client:
            while not over.is_set():
                began = time.monotonic()
                try:
                    seen[str(client.get("/api/version").status_code)] += 1
                except httpx.HTTPError as error:
                    seen[type(error).__name__] += 1
                over.wait(max(0.0, every_s - (time.monotonic() - began)))

    thread = threading.Thread(target=visit, daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()
