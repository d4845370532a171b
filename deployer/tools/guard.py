"""Ends our children when we are gone, even by `kill -9`: a process of its own that notices when its stdin closes.

The kernel can signal a child whose parent dies (PR_SET_PDEATHSIG), but only the child, not what it has started: nox
would end and leave its pytest behind. So the guard is told of every process group that we start, and when we end
without having told it that a group is done, it ends the group as we would have: its own signal, time to finish,
SIGTERM, SIGKILL. What leaves its group on purpose (`setsid`) escapes, as it would from a terminal.

Run as a program it is the guard: `python -I -S guard.py`, with lines `+ <group> <signal> <grace seconds>` and
`- <group>` on stdin. It imports the standard library only, so it is there within some milliseconds.
"""

from __future__ import annotations

import atexit
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from typing import IO

TERM_S = 2.0
_POLL_S = 0.05


class Guard:
    """Our side of it; thread-safe. The guard is started with the first group, and anew if somebody killed it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._groups: dict[int, str] = {}
        self._process: subprocess.Popen[str] | None = None
        self._pid = 0

    def ready(self) -> None:
        """Have it there before there is something to watch: what is started is unguarded for the shorter time."""
        with self._lock:
            self._tell("")

    def watch(self, group: int, stop_signal: signal.Signals, grace_s: float) -> None:
        """End `group` with `stop_signal` and after `grace_s` harder, should we go before `forget`."""
        with self._lock:
            self._groups[group] = f"+ {group} {stop_signal.value} {grace_s}\n"
            self._tell(self._groups[group])

    def forget(self, group: int) -> None:
        """`group` has ended."""
        with self._lock:
            self._groups.pop(group, None)
            self._tell(f"- {group}\n")

    def _tell(self, line: str) -> None:
        with suppress(OSError):
            if self._process is not None and self._process.stdin and self._pid == os.getpid():
                self._process.stdin.write(line)
                self._process.stdin.flush()
                return
        self._start()

    def _start(self) -> None:
        with suppress(OSError):  # no guard, but a release must not fail for want of one
            process = subprocess.Popen(
                [sys.executable, "-I", "-S", __file__],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                text=True,
            )
            if self._process is None:
                atexit.register(self._close)
            else:
                self._process.poll()
            self._process, self._pid = process, os.getpid()
            assert process.stdin is not None
            process.stdin.write("".join(self._groups.values()))
            process.stdin.flush()

    def _close(self) -> None:
        """Let it end as we do, so that it is nobody's zombie; with nothing left to watch it does at once."""
        if self._process is not None and self._pid == os.getpid() and not self._groups:
            with suppress(OSError, subprocess.TimeoutExpired):
                self._process.communicate(timeout=TERM_S)


def main(lines: IO[str]) -> None:
    """Listen until there is nobody to listen to, then end what is left."""
    left: dict[int, tuple[int, float]] = {}
    for line in lines:
        sign, group, *how = line.split()
        left.pop(int(group), None)
        if sign == "+":
            left[int(group)] = (int(how[0]), float(how[1]))
    threads = [threading.Thread(target=_end, args=(group, *how)) for group, how in left.items()]
    for thread in threads:
        thread.start()


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
    main(sys.stdin)
