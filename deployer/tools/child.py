"""One running program: its output pumped while it lives and while it is being ended. Used by `process.run` only."""

from __future__ import annotations

import math
import os
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress

_POLL_S = 0.2
_DRAIN_S = 1.0
_TERM_S = 2.0


class Child:
    """A running program, and how it is asked to end: `stop` may be set from any thread."""

    def __init__(self, process: subprocess.Popen[bytes], stop_signal: signal.Signals, grace_s: float) -> None:
        self.process = process
        self.stop = threading.Event()
        self._escalation = [(stop_signal, grace_s), (signal.SIGTERM, _TERM_S), (signal.SIGKILL, math.inf)]
        self._patience_ends = 0.0

    def pump(self, out: Callable[[bytes], None], err: Callable[[bytes], None], deadline: float = math.inf) -> bool:
        """Hand on what the program prints until it has ended. Past `deadline` it is ended: True.

        Keeps reading while the program ends: one that blocks on a full pipe cannot finish in its grace time.
        """
        timed_out = False
        drained_by = math.inf
        with selectors.DefaultSelector() as selector:
            for stream, sink in ((self.process.stdout, out), (self.process.stderr, err)):
                if stream:
                    selector.register(stream, selectors.EVENT_READ, sink)
            # A daemon that the program left behind may hold its pipe open for ever: hence a limit to draining.
            while (alive := self.process.poll() is None) or (selector.get_map() and time.monotonic() < drained_by):
                _read(selector)
                timed_out = timed_out or (alive and time.monotonic() > deadline)
                if not alive:
                    drained_by = min(drained_by, time.monotonic() + _DRAIN_S)
                elif timed_out or self.stop.is_set():
                    self._press()
        return timed_out

    def _press(self) -> None:
        """Send the next harder signal when the patience after the last one is over."""
        if time.monotonic() >= self._patience_ends:
            number, patience_s = self._escalation.pop(0)
            self._patience_ends = time.monotonic() + patience_s
            self.signal(number)

    def signal(self, number: signal.Signals) -> None:
        """Signal the whole group, whether or not its leader is still there."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, number)


def _read(selector: selectors.BaseSelector) -> None:
    """Pass on what can be read now; waits at most `_POLL_S` for it."""
    if not selector.get_map():
        time.sleep(_POLL_S / 10)  # it closed its output and lives on
    for key, _ in selector.select(_POLL_S) if selector.get_map() else ():
        chunk = os.read(key.fd, 65536)
        if chunk:
            key.data(chunk)
        else:
            selector.unregister(key.fileobj)


def discard(_: bytes) -> None:
    """Where the words of a program go that nobody waits for any more."""
