"""`inv dev` as a developer runs it: started in a terminal, edited under, ended with Ctrl-C or worse."""

from __future__ import annotations

import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

import docker

START_TIMEOUT_S = 120
ANSWER_TIMEOUT_S = 30
_LABEL = "com.indivillage.dev"


class DevServer:
    """A running `inv dev`. `lines` is what it has said on stderr so far."""

    def __init__(self, checkout: Path) -> None:
        self.port = free_port()
        (checkout / ".env.local").write_text(f"DEV_PORT={self.port}\n", encoding="utf-8")
        self.process = subprocess.Popen(
            ["./scripts/inv", "dev"], cwd=checkout, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.lines: list[str] = []
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        self._give_up = threading.Timer(START_TIMEOUT_S, self.process.kill)

    def _listen(self) -> None:
        assert self.process.stderr
        self.lines.extend(iter(self.process.stderr.readline, ""))

    def wait(self) -> str:
        """Return the URL it prints once it serves."""
        assert self.process.stdout
        self._give_up.start()
        try:
            url = self.process.stdout.readline().strip()
        finally:
            self._give_up.cancel()
        assert f"http://127.0.0.1:{self.port}" == url, "".join(self.lines[-40:])
        return url

    def until(self, path: str, wanted: str) -> None:
        """Wait until the answer at `path` has `wanted` in it."""
        deadline = time.monotonic() + ANSWER_TIMEOUT_S
        seen = ""
        while wanted not in seen:
            assert time.monotonic() < deadline, (seen[:500], self.lines[-20:])
            try:
                seen = httpx.get(f"http://127.0.0.1:{self.port}{path}", timeout=5).text
            except httpx.HTTPError as error:
                seen = repr(error)
            time.sleep(0.05)

    def end(self, number: signal.Signals) -> int:
        """Send it a signal; returns its exit code."""
        self.process.send_signal(number)
        return self.process.wait(timeout=20)

    def close(self) -> None:
        """Hear it to the end, and close what it wrote to."""
        self._listener.join(timeout=20)
        for stream in (self.process.stdout, self.process.stderr):
            if stream:
                stream.close()


@contextmanager
def running(checkout: Path) -> Iterator[DevServer]:
    """An `inv dev` that serves; ended, should a test have failed to."""
    server = DevServer(checkout)
    try:
        server.wait()
        yield server
    finally:
        if server.process.poll() is None:
            server.end(signal.SIGTERM)
        server.close()


def free_port() -> int:
    """A port of 127.0.0.1 that nobody has just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def left(cloud: str) -> list[str]:
    """Containers of an `inv dev` beside the local cloud called `cloud`."""
    found = docker.from_env().containers.list(all=True, filters={"label": f"{_LABEL}={cloud}"}, ignore_removed=True)
    return sorted(str(container.name) for container in found)
