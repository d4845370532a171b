"""What a release starts from: exactly a commit, or a working tree that says how it differs from one."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from deployer.source import from_commit
from deployer.tools import build_context


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository with one image, everything committed."""
    (tmp_path / "docker/backend").mkdir(parents=True)
    (tmp_path / "docker/backend/Dockerfile").write_text("FROM scratch\n")
    (tmp_path / "docker/backend/app.py").write_text("x = 1\n")
    (tmp_path / "notes.txt").write_text("no part of a release\n")
    (tmp_path / ".gitignore").write_text("*.secret\n.cache\n")
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b"]
    for command in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "--message", "one"]):
        subprocess.run([*git, *command], cwd=tmp_path, check=True)
    return tmp_path


def dirty(root: Path, ref: str = "") -> tuple[str, ...]:
    """Which files make it dirty."""
    with from_commit(root, ref) as given:
        return given.dirty


def built_from(root: Path) -> set[str]:
    """The files that the backend's image is built from."""
    return {str(place) for place, _ in build_context.collect(root, "backend", os.environ).files}


def test_a_committed_tree_is_clean(root: Path) -> None:
    """A file that no release is made of changes nothing."""
    (root / "notes.txt").write_text("changed\n")

    assert () == dirty(root)


def test_a_changed_file_and_an_untracked_one_make_it_dirty(root: Path) -> None:
    """Both would be in the image, and nobody else has them."""
    (root / "docker/backend/app.py").write_text("x = 2\n")
    (root / "docker/backend/new.py").write_text("")

    assert ("docker/backend/app.py", "docker/backend/new.py") == dirty(root)
    assert {"Dockerfile", "app.py", "new.py"} == built_from(root)


def test_an_ignored_file_is_neither_dirty_nor_in_an_image(root: Path) -> None:
    """Not even beside files that are in it."""
    (root / "docker/backend/key.secret").write_text("secret")

    assert () == dirty(root)
    assert {"Dockerfile", "app.py"} == built_from(root)


def test_a_commit_that_is_named_is_clean_whatever_lies_around(root: Path) -> None:
    """It is taken from git, into a tree of its own."""
    (root / "docker/backend/app.py").write_text("x = 2\n")

    assert () == dirty(root, "HEAD")
    with from_commit(root, "HEAD") as given:
        assert "x = 1\n" == (given.tree / "docker/backend/app.py").read_text()
