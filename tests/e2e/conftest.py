"""A clone of this commit, deployed to a local cloud of its own: what a user with a fresh machine does."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

ROOT = Path(__file__).resolve().parents[2]
COMMAND_TIMEOUT_S = 900
ORDER = (
    *("test_main_job", "test_bad_days", "test_interrupts", "test_other_checkouts"),
    # What is left blue/green only has to be removed: to undo that would take a minute of Terraform.
    *("test_environments", "test_shift", "test_goodbye"),
)
"""Every module of this folder: one that is missing here is an error."""
KEPT = os.environ.get("E2E_CHECKOUT", "")
"""To work on these tests: a clone that is deployed already and stays."""


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

    def environment(self, changes: Mapping[str, str | None] | None = None) -> dict[str, str]:
        """What commands run with: as in CI, with `changes`, where None takes a variable away."""
        changed = {**os.environ, "CI": "true", **(changes or {})}
        return {name: value for name, value in changed.items() if value is not None}

    def inv(self, *words: str, expect: int = 0, env: Mapping[str, str | None] | None = None) -> Ran:
        """Run `./scripts/inv WORDS`; fails with its output when the exit code is not `expect`."""
        done = subprocess.run(
            ["./scripts/inv", *words],
            cwd=self.path,
            env=self.environment(env),
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


def deploy(checkout: Checkout, *words: str, expect: int = 0, env: Mapping[str, str | None] | None = None) -> Ran:
    """Deploy as a developer does: outside CI, where nothing is done twice for the sake of it."""
    return checkout.inv("deploy", "--env=dev", *words, expect=expect, env={"CI": None, **(env or {})})


@dataclass(frozen=True, slots=True)
class Served:
    """A clone whose environment serves `release`."""

    checkout: Checkout
    release: str
    url: str

    def still(self) -> None:
        """Make sure that it still serves, healthy, and that nobody holds the environment."""
        status = self.checkout.inv("status", "--env=dev", "--json").json
        assert (self.release, True, None) == (status["release"], status["healthy"], status["lock"]), status
        assert self.release == get(self.url, "/api/version").json()["release"]


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """A clone of HEAD under a path with spaces and non-ASCII in it; its local cloud is removed at the end."""
    if KEPT:
        yield Checkout(Path(KEPT))
        return
    path = tmp_path_factory.mktemp("a user's naïve – Übung") / "checkout"
    subprocess.run(["git", "clone", "-q", "--local", str(ROOT), str(path)], check=True)
    clone = Checkout(path)
    try:
        yield clone
    finally:
        clone.inv("cloud.down")


@pytest.fixture(scope="session")
def deployed(checkout: Checkout) -> Checkout:
    """The same clone with an environment that serves: the main job's, or one of its own when run without that."""
    running = checkout.inv("cloud.status", "--json").json["running"]
    if not running or not checkout.inv("status", "--env=dev", "--json").json["healthy"]:
        deploy(checkout)
    return checkout


@pytest.fixture(scope="session")
def prepared(deployed: Checkout) -> Checkout:
    """The deployed clone, with quick gates and places to break."""
    from . import faults  # it needs what stands above

    faults.prepare(deployed)
    deploy(deployed)
    return deployed


@pytest.fixture
def served(prepared: Checkout) -> Iterator[Served]:
    """What serves now; what a test commits is taken back, its images stay in the engine."""
    head = prepared.git("rev-parse", "HEAD")
    status = prepared.inv("status", "--env=dev", "--json").json
    yield Served(prepared, status["release"], status["url"])
    prepared.git("reset", "-q", "--hard", head)
    prepared.git("clean", "-qfd")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One deployed clone serves all modules, in this order: what starts from a fresh clone first, its removal last."""
    here = Path(__file__).parent
    items.sort(key=lambda item: ORDER.index(item.path.stem) if item.path.parent == here else -1)


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
