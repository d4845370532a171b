"""The lock that lets one process at a time change a cloud."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path

import pytest

from localcloud.errors import LockRefused
from localcloud.lock import exclusive


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where locks are made."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_lock_leaves_no_file(folder: Path) -> None:
    with exclusive("cloud-x", pytest.fail):
        assert (folder / "cloud-x.lock").exists()

    assert [] == list(folder.iterdir())


def test_lock_of_another_user_is_one_line(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two users of one checkout share the cloud's name; the test's own user may be root, whom no mode keeps out."""

    def refuse(*_: object) -> int:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(LockRefused) as caught, exclusive("cloud-x", pytest.fail):
        pytest.fail("not locked")

    assert f"could not lock cloud-x: {folder}/cloud-x.lock is another user's" in str(caught.value)
    assert "remove it" in caught.value.hint


def test_lock_that_cannot_be_a_file_is_one_line(folder: Path) -> None:
    (folder / "cloud-x.lock").mkdir()

    with pytest.raises(LockRefused, match=r"cloud-x\.lock: Is a directory"), exclusive("cloud-x", pytest.fail):
        pytest.fail("not locked")
