"""One process at a time: an exclusive lock on a file, given back by the kernel even after `kill -9`."""

from __future__ import annotations

import fcntl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deployer.errors import Interrupted

_POLL_S = 0.05
_waiting: set[threading.Event] = set()
_lock = threading.Lock()


def stop_all() -> int:
    """Let everybody who waits for a lock raise Interrupted, as `process.stop_all` does for programs. Says how many."""
    with _lock:
        events = tuple(_waiting)
    for event in events:
        event.set()
    return len(events)


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold `path` (made when missing, never removed: another may be waiting on it); waits until it is free."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        if not _taken(file.fileno()):
            _wait(file.fileno(), path)
        yield


@contextmanager
def held_or_not(path: Path) -> Iterator[bool]:
    """Hold `path` if nobody else does; whether it is held. Does not wait."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        yield _taken(file.fileno())


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _wait(descriptor: int, path: Path) -> None:
    stop = threading.Event()
    with _lock:
        _waiting.add(stop)
    try:
        while not _taken(descriptor):
            if stop.wait(_POLL_S):
                raise Interrupted(f"wait for another run of this checkout, which holds {path}", "asked to stop")
    finally:
        with _lock:
            _waiting.discard(stop)
