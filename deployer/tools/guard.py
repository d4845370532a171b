"""Ends our children when we are gone, even by `kill -9`: a process of its own that notices when its stdin closes.

The kernel can signal a child whose parent dies (PR_SET_PDEATHSIG), but only the child, not what it has started: nox
would end and leave its pytest behind. So the guard is told of every process group that we start, and when we end
without having told it that a group is done, it ends the group as we would have: its own signal, time to finish,
SIGTERM, SIGKILL. What leaves its group on purpose (`setsid`) escapes, as it would from a terminal.

It also keeps the reading ends of their pipes open: Terraform would die of SIGPIPE at its next line, with its state not
saved and not unlocked (measured).

Run as a program it is the guard: `python -I -S guard.py`, with a socket as stdin and lines on it: `+ <group> <signal>
<grace seconds> <number of file descriptors sent along>`, `- <group>`. It imports the standard library only, so it is
there within some milliseconds.
"""

from __future__ import annotations

import atexit
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress

TERM_S = 2.0
_POLL_S = 0.05
_LONGEST = 4096
_MOST_PIPES = 64


class Guard:
    """Our side of it; thread-safe. The guard is started with the first group, and anew if somebody killed it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._groups: dict[int, tuple[str, Sequence[int]]] = {}
        self._process: subprocess.Popen[bytes] | None = None
        self._link: socket.socket | None = None
        self._pid = 0

    def ready(self) -> None:
        """Have it there before there is something to watch: what is started is unguarded for the shorter time."""
        with self._lock:
            self._tell("", ())

    def watch(self, group: int, stop_signal: signal.Signals, grace_s: float, pipes: Sequence[int]) -> None:
        """End `group` with `stop_signal` and after `grace_s` harder, should we go before `forget`.

        `pipes` are our ends of what it prints to.
        """
        with self._lock:
            self._groups[group] = (f"+ {group} {stop_signal.value} {grace_s} {len(pipes)}\n", pipes)
            self._tell(*self._groups[group])

    def forget(self, group: int) -> None:
        """`group` has ended."""
        with self._lock:
            self._groups.pop(group, None)
            self._tell(f"- {group}\n", ())

    def _tell(self, line: str, pipes: Sequence[int]) -> None:
        if self._link is None or self._pid != os.getpid():
            self._start()
        for last in (False, True):
            try:
                self._send(line, pipes)
            except OSError:
                if not last:
                    self._start()
            else:
                return

    def _send(self, line: str, pipes: Sequence[int]) -> None:
        if self._link is not None and line:
            socket.send_fds(self._link, [line.encode()], pipes)

    def _start(self) -> None:
        with suppress(OSError):  # no guard, but a release must not fail for want of one
            ours, its = socket.socketpair()
            with its:
                process = subprocess.Popen(
                    [sys.executable, "-I", "-S", __file__],
                    stdin=its.fileno(),
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    start_new_session=True,
                )
            if self._process is None:
                atexit.register(self._close)
            else:
                self._process.poll()
            if self._link is not None:
                self._link.close()
            self._process, self._link, self._pid = process, ours, os.getpid()
            for line, pipes in self._groups.values():
                self._send(line, pipes)

    def _close(self) -> None:
        """Let it end as we do, so that it is nobody's zombie; with nothing left to watch it does at once."""
        if self._process is not None and self._link is not None and self._pid == os.getpid() and not self._groups:
            self._link.close()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(TERM_S)


def main(link: socket.socket) -> None:
    """Listen until there is nobody to listen to, then end what is left."""
    groups: dict[int, tuple[int, float, list[int]]] = {}
    pipes: list[int] = []
    rest = b""
    while True:
        data, sent, _, _ = socket.recv_fds(link, _LONGEST, _MOST_PIPES)
        if not data:
            break
        pipes += sent
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            sign, group, *how = line.split()
            for pipe in groups.pop(int(group), (0, 0.0, []))[2]:
                os.close(pipe)
            if sign == b"+":
                count = int(how[2])
                groups[int(group)] = (int(how[0]), float(how[1]), pipes[:count])
                del pipes[:count]
    ending = [threading.Thread(target=_end, args=(group, *how[:2])) for group, how in groups.items()]
    reading = [threading.Thread(target=_drain, args=(pipe,), daemon=True) for how in groups.values() for pipe in how[2]]
    for thread in (*reading, *ending):
        thread.start()


def _drain(pipe: int) -> None:
    with suppress(OSError):
        while os.read(pipe, _LONGEST):
            pass


def _end(group: int, number: int, grace_s: float) -> None:
    for harder, patience_s in ((number, grace_s), (signal.SIGTERM, TERM_S), (signal.SIGKILL, 0.0)):
        deadline = time.monotonic() + patience_s
        try:
            os.killpg(group, harder)
            while time.monotonic() < deadline:
                time.sleep(_POLL_S)
                os.killpg(group, 0)
        except (ProcessLookupError, PermissionError):
            return


if __name__ == "__main__":
    main(socket.socket(fileno=0))
