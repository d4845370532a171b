"""Run HAProxy (master-worker) and talk to it: reload without losing a connection, runtime commands to every worker.

A reload starts a new worker that inherits the listening sockets; the old one finishes what it serves: the requests
under way, and one more on each connection that is kept alive. Commands go to old workers too, so that this one follows
today's weights; their servers cannot be changed any more ("Proxy is disabled", 2.6). So a kept connection that is older
than a reload may meet a target that has left, or none: nothing that a release does may need a reload.
Source: https://docs.haproxy.org/2.6/management.html (master CLI, ``show proc``, ``set map``, ``set server``).
"""

import logging
import socket
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

log = logging.getLogger("localcloud.haproxy")

READY_S = 10.0
POLL_S = 0.02


class HAProxyError(Exception):
    """HAProxy refused a configuration or does not answer; the text says which and what it said."""


@dataclass(frozen=True, slots=True)
class Worker:
    """One worker process; ``old`` when it only finishes what it had before the last reload."""

    pid: int
    old: bool


class HAProxy:
    """The one HAProxy of this container; FOLDER holds its configuration, map and control socket."""

    def __init__(self, folder: Path, user: str | None = "haproxy") -> None:
        self.folder = folder
        self._user = user
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def _config(self) -> Path:
        return self.folder / "haproxy.cfg"

    @property
    def _socket(self) -> Path:
        return self.folder / "master.sock"

    def apply(self, config: str) -> None:
        """Make CONFIG the running configuration; raises HAProxyError and keeps the old one when it is refused."""
        candidate = self.folder / "candidate.cfg"
        candidate.write_text(config)
        checked = subprocess.run(
            ["/usr/sbin/haproxy", "-c", "-f", str(candidate)], capture_output=True, text=True, check=False
        )
        if checked.returncode:
            raise HAProxyError(f"HAProxy refused the configuration: {checked.stderr.strip()}")
        candidate.replace(self._config)
        if self._process is None or self._process.poll() is not None:
            self._start()
        else:
            self._reload()

    def _start(self) -> None:
        command = ["/usr/sbin/haproxy", "-W", "-db", "-f", str(self._config), "-S", f"{self._socket},level,admin"]
        # Ports below 1024 are open to everybody in a container's own network since Docker Engine 20.10.
        self._process = subprocess.Popen(command, user=self._user, group=self._user)
        self._await_worker(set())

    def _reload(self) -> None:
        before = {worker.pid for worker in self.workers()}
        self._ask("reload")
        self._await_worker(before)

    def _await_worker(self, before: set[int]) -> None:
        deadline = time.monotonic() + READY_S
        while time.monotonic() < deadline:
            try:
                if any(not worker.old and worker.pid not in before for worker in self.workers()):
                    return
            except OSError:
                pass  # the control socket is away for a moment while the master starts over
            time.sleep(POLL_S)
        raise HAProxyError(f"HAProxy has no new worker {READY_S:.0f} s after it was told to use a new configuration")

    def workers(self) -> list[Worker]:
        """Every worker process, the current one and those that still finish."""
        found, old = [], False
        for line in self._ask("show proc").splitlines():
            old = line.startswith("# old") or (old and not line.startswith("#"))
            words = line.split()
            if len(words) > 1 and words[1] == "worker":
                found.append(Worker(int(words[0]), old))
        return found

    def run(self, worker: Worker, commands: Sequence[str]) -> str:
        """Send runtime COMMANDS to one worker and return what it said; an old worker may be gone, then nothing."""
        if not commands:
            return ""
        try:
            return self._ask("; ".join(f"@!{worker.pid} {command}" for command in commands))
        except OSError:
            if worker.old:
                return ""
            raise

    def in_flight(self) -> dict[tuple[str, str], int]:
        """(backend, server) -> requests being served now, over all workers."""
        totals: dict[tuple[str, str], int] = {}
        for worker in self.workers():
            for line in self.run(worker, ["show stat -1 4 -1"]).splitlines():
                cells = line.split(",")
                if len(cells) > 4 and not line.startswith("#") and cells[4].isdigit():
                    key = (cells[0], cells[1])
                    totals[key] = totals.get(key, 0) + int(cells[4]) + int(cells[2] or 0)
        return totals

    def _ask(self, line: str) -> str:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(5)
            connection.connect(str(self._socket))
            connection.sendall(line.encode() + b"\n")
            connection.shutdown(socket.SHUT_WR)
            answer = bytearray()
            while chunk := connection.recv(65536):
                answer += chunk
        return answer.decode(errors="replace")

    def alive(self) -> bool:
        """Whether the master process runs."""
        return self._process is not None and self._process.poll() is None
