"""A disk that refuses is told in one message; what is a bug stays one."""

from __future__ import annotations

import errno
import os

import pytest

from deployer import disk
from deployer.errors import Unreachable


@pytest.mark.parametrize(
    ("number", "seen", "hint"),
    [
        (errno.ENOSPC, "no space left on device", "free some space"),
        (errno.EDQUOT, "disk quota exceeded", "quota"),
        (errno.EROFS, "read-only file system", "make it writable"),
        (errno.EACCES, "permission denied", "another user"),
        (errno.EMFILE, "too many open files", "ulimit"),
    ],
)
def test_what_the_file_system_refuses_names_the_file_and_the_next_step(number: int, seen: str, hint: str) -> None:
    """Exit code 30: the machine's fault."""
    told = disk.told(OSError(number, os.strerror(number), "/there/plan.log"))

    assert isinstance(told, Unreachable)
    assert ("use /there/plan.log", seen) == (told.attempted, told.seen)
    assert hint in told.hint


def test_a_write_to_an_open_file_has_no_name() -> None:
    """As `write` raises it."""
    told = disk.told(OSError(errno.ENOSPC, "No space left on device"))

    assert "use a file: no space left on device" == str(told)


@pytest.mark.parametrize(
    "error", [FileNotFoundError(errno.ENOENT, "No such file", "/x"), KeyError("x"), KeyboardInterrupt(), OSError("odd")]
)
def test_anything_else_is_left_alone(error: BaseException) -> None:
    """A file that is not there is our own mistake, and keeps its traceback."""
    assert error is disk.told(error)
