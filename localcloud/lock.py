"""One process at a time may change a cloud: a file lock, which the kernel drops when its holder dies."""

import fcntl
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from localcloud.errors import LockRefused


@contextmanager
def exclusive(name: str, progress: Callable[[str], None]) -> Iterator[None]:
    """Hold the lock of the cloud NAME; says through PROGRESS that it waits for another process. Leaves no file.

    Raises LockRefused when the file cannot be opened, as when another user's process made it.
    """
    path = Path(tempfile.gettempdir()) / f"{name}.lock"
    while True:
        descriptor = _open(name, path)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress(f"waiting for another process that is changing {name}")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        if _still_there(path, descriptor):
            break
        os.close(descriptor)  # its last holder removed the file while we waited: that lock guards nothing any more
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        os.close(descriptor)


def _open(name: str, path: Path) -> int:
    try:
        return os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    except PermissionError as error:
        hint = "be the user that the file belongs to; if no process of theirs is left, remove it"
        raise LockRefused(f"lock {name}", f"{path} is another user's", hint) from error
    except OSError as error:
        raise LockRefused(f"lock {name}", f"{path}: {error.strerror}", "TMPDIR may name another folder") from error


def _still_there(path: Path, descriptor: int) -> bool:
    try:
        return path.stat().st_ino == os.fstat(descriptor).st_ino
    except FileNotFoundError:
        return False
