"""What counts of a file, and which files there are."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from deployer.errors import InputError
from deployer.tools import tree


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file in a git checkout that ignores `*.log`."""
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    (tmp_path / ".gitignore").write_text("*.log\n")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "x.log").write_text("")
    made = tmp_path / "folder" / "file ü.txt"
    made.write_text("one")
    return made


def test_content_and_kind_count(file: Path) -> None:
    plain = tree.fingerprint(file)
    file.chmod(0o755)
    program = tree.fingerprint(file)
    file.write_text("two")
    changed = tree.fingerprint(file)
    link = file.with_name("link")
    link.symlink_to(file)

    assert 4 == len({plain, program, changed, tree.fingerprint(link)})


def test_times_and_other_permissions_do_not(file: Path) -> None:
    """They differ between two checkouts of one commit."""
    before = tree.fingerprint(file)
    os.utime(file, (1, 1))
    file.chmod(0o600)

    assert before == tree.fingerprint(file)


def test_ignored_files_and_other_folders_are_not_listed(file: Path, tmp_path: Path) -> None:
    assert [Path("folder/file ü.txt")] == tree.listed(tmp_path, "folder", os.environ)
    assert 2 == len(tree.listed(tmp_path, ".", os.environ))


def test_without_git_there_is_no_list(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="git could not"):
        tree.listed(tmp_path, ".", {**os.environ, "GIT_CEILING_DIRECTORIES": str(tmp_path.parent)})
