"""The scan for secrets sees every commit and what is not committed yet, and no commit twice."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from deployer.errors import GateFailed
from deployer.tools.nox_gates import NoxGates
from tests.gates.test_inputs import CHECKS, ROOT

SECRET = 'key = "AKIA' + 'ZQ3DRSTUVWXY2345"\n'  # in two pieces, or the scan would find it here


def git(tree: Path, *command: str) -> str:
    """Run git as nobody in particular."""
    command = ("git", "-c", "user.name=n", "-c", "user.email=e", *command)
    return subprocess.run(command, cwd=tree, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A checkout with one commit that holds what the session needs."""
    made = tmp_path / "mit Leerzeichen & Ümlaut"
    (made / "requirements").mkdir(parents=True)
    for path in ("noxfile.py", "pyproject.toml", ".gitignore", ".gitleaks.toml", "requirements/scan.txt"):
        shutil.copy(ROOT / path, made / path)
    git(made, "init", "--quiet")
    commit(made)
    return made


def commit(tree: Path) -> str:
    """Commit everything; return the commit."""
    git(tree, "add", "--all")
    git(tree, "commit", "--quiet", "--message", "x")
    return git(tree, "rev-parse", "HEAD")


def scan(tree: Path, *passed: str) -> tuple[str, ...]:
    """Run only this part of the session; return what it found, or nothing."""
    others = " ".join(name for name in CHECKS if name.startswith("scan.") and name != "scan.secrets")
    gates = NoxGates(tree, envdir=ROOT / ".nox")
    extra = {"GATES_PASSED": others, "COMMITS_PASSED": " ".join(passed)}
    try:
        gates.run(["scan"], tree.parent / "log", print, extra=extra)
    except GateFailed as failed:
        return tuple(line.split()[-1] for line in failed.details if line.startswith("File:"))
    return ()


def test_a_clean_checkout_passes_and_nothing_is_left_in_it(tree: Path) -> None:
    """What is not committed is looked at outside the repository."""
    (tree / "new.py").write_text("x = 1\n")
    before = git(tree, "count-objects", "-v"), git(tree, "status", "--porcelain")

    assert () == scan(tree)
    assert before == (git(tree, "count-objects", "-v"), git(tree, "status", "--porcelain"))


@pytest.mark.parametrize("path", ["key.py", "tests/key.py"])
def test_a_secret_in_a_new_file_is_found(tree: Path, path: str) -> None:
    """An image would take it along. An allowlist for one shape of value in tests/ lets no other shape pass."""
    (tree / "tests").mkdir()
    (tree / path).write_text(SECRET)

    assert (path,) == scan(tree)


def test_a_secret_in_a_changed_file_is_found(tree: Path) -> None:
    (tree / "noxfile.py").write_text((tree / "noxfile.py").read_text() + SECRET)

    assert ("noxfile.py",) == scan(tree)


def test_an_ignored_file_is_nobodys_business(tree: Path) -> None:
    """Neither git nor an image takes it."""
    (tree / "x.tfstate").write_text(SECRET)

    assert () == scan(tree)


def test_a_secret_that_was_taken_out_again_is_found_until_its_commit_is_known(tree: Path) -> None:
    """It stays in history, for whoever has the repository."""
    (tree / "key.py").write_text(SECRET)
    commit(tree)
    (tree / "key.py").unlink()
    later = commit(tree)

    assert ("key.py",) == scan(tree)
    assert () == scan(tree, later)


def test_commits_after_those_that_passed_are_looked_at(tree: Path) -> None:
    first = git(tree, "rev-parse", "HEAD")
    git(tree, "checkout", "--quiet", "-b", "side")
    (tree / "key.py").write_text(SECRET)
    commit(tree)
    git(tree, "checkout", "--quiet", "-")

    assert ("key.py",) == scan(tree, first)
