"""Which files under .cache `inv clean` takes away."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from deployer.tools import old_files
from deployer.tools.git import Git

LATER = datetime.now(UTC) + timedelta(days=30)
"""A day on which everything made now is old."""

OLD = (
    *(
        "site-packages/0123456789abcdef/pkg/x.py",
        "contexts/backend-0123456789abcdef/app/main.py",
        "logs/dev-1/lint.log",
    ),
    *("gates/lint/0123.json", "terraform/indivillage-cloud-1/dev/plans/0123.tfplan", "base-x1y2/layer.tar"),
)
KEPT = (
    *("site-packages/lock", "build-backend.lock", "base.lock", "logs/local/build-base.log", "uv/archive/x"),
    *("terraform/indivillage-cloud-1/dev/providers.lock", "tfvars/dev.json"),
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A checkout that was worked in."""
    for name in (*OLD, *KEPT):
        path = tmp_path / ".cache" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x" * 5000)
    (tmp_path / "docker").mkdir()
    (tmp_path / "docker/Dockerfile").write_text("")
    return tmp_path


def names(root: Path, now: datetime) -> list[str]:
    """What would go."""
    return sorted(waste.what for waste in old_files.find(root, now))


def test_a_weeks_disuse_is_what_counts(root: Path) -> None:
    assert [] == names(root, datetime.now(UTC) + timedelta(days=6.9))
    assert 6 == len(names(root, datetime.now(UTC) + timedelta(days=7.1)))


def test_what_can_be_made_again_goes_and_locks_and_state_stay(root: Path) -> None:
    for waste in old_files.find(root, LATER):
        assert waste.size_bytes >= 5000
        waste.remove()

    left = {str(path.relative_to(root / ".cache")) for path in (root / ".cache").rglob("*") if path.is_file()}
    assert set(KEPT) == left
    assert (root / "docker/Dockerfile").exists()


def test_file_that_is_staged_as_of_1980_is_as_old_as_its_use(root: Path) -> None:
    """Its time is part of an image; when it was put there is another matter."""
    for path in (root / ".cache/contexts").rglob("*"):
        os.utime(path, (315_532_800, 315_532_800))

    assert [] == names(root, datetime.now(UTC))


def test_a_link_to_elsewhere_is_not_followed(root: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (root / ".cache/logs/link").symlink_to(outside)

    assert ".cache/logs/link" not in names(root, LATER)


def test_files_with_a_second_name_count_for_nothing(root: Path) -> None:
    """A staged context is hard links to the packages: it is they that take the space."""
    os.link(root / ".cache/gates/lint/0123.json", root / "elsewhere")

    (waste,) = [w for w in old_files.find(root, LATER) if w.what == ".cache/gates/lint/0123.json"]
    assert 0 == waste.size_bytes


def test_tree_of_a_killed_run_goes_at_once_and_that_of_a_running_one_stays(root: Path) -> None:
    """They are named after their process."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b"]
    for command in (["init", "--quiet"], ["add", "docker"], ["commit", "--quiet", "--message", "one"]):
        subprocess.run([*git, *command], cwd=root, check=True)
    for process in (ended.pid, os.getpid()):
        tree = root / ".cache" / "worktrees" / f"0123456789ab-{process}"
        subprocess.run(["git", "worktree", "add", "--quiet", "--detach", str(tree)], cwd=root, check=True)

    (waste,) = old_files.find(root, datetime.now(UTC))
    waste.remove()

    assert f".cache/worktrees/0123456789ab-{ended.pid}" == waste.what
    assert [f"0123456789ab-{os.getpid()}"] == [path.name for path in (root / ".cache/worktrees").iterdir()]
    listed = subprocess.check_output(["git", "worktree", "list"], cwd=root, text=True)
    assert 2 == len(listed.splitlines())
    assert Git(root).commit().subject == "one"


def test_nothing_at_all_is_nothing_to_remove(tmp_path: Path) -> None:
    assert [] == old_files.find(tmp_path, LATER)
