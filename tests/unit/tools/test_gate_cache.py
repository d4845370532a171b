"""Sessions run when something they depend on has changed, and only a pass is remembered.

A little longer than other files: every way to a wrong `cached` in one place.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from deployer.errors import GateFailed, Interrupted
from deployer.model import Checked
from deployer.tools.gate_cache import CachedGates

BEGUN = datetime(2026, 11, 25, 17, 40, 12, tzinfo=UTC)
ENVIRON = {"PATH": os.environ["PATH"]}
PYPROJECT = """
[tool.gates.without]
"types.backend" = ["deployer/"]
"types.deployer" = ["docker/"]
"unit" = ["docker/"]
"scan.secrets" = []
[tool.gates.commits]
"scan.secrets" = ["rules.toml"]
"""


def git(tree: Path, *command: str) -> str:
    """Run git as nobody in particular."""
    command = ("git", "-c", "user.name=n", "-c", "user.email=e", *command)
    return subprocess.run(command, cwd=tree, check=True, capture_output=True, text=True).stdout.strip()


class Runner:
    """Nox, whose sessions pass unless they are told otherwise. `during` happens while they run."""

    def __init__(self) -> None:
        self.runs: list[tuple[str, ...]] = []
        self.extra: dict[str, str] = {}
        self.results: dict[str, str] = {}
        self.during: Callable[[], object] = lambda: None

    def run(
        self,
        sessions: Sequence[str],
        log: Path,
        say: Callable[[str], None],
        *,
        extra: Mapping[str, str],
        passed: Callable[[str], None],
    ) -> str:
        """Take note, and end as told."""
        self.runs.append(tuple(sessions))
        self.extra = dict(extra)
        self.during()
        for session in sessions:
            if self.results.get(session, "success") == "success":
                passed(session)
        if "failed" in self.results.values():
            raise GateFailed("run", "failed")
        return f"{', '.join(sessions)} passed 1.0 s"


class Place:
    """A checkout, and gates in front of a runner."""

    def __init__(self, tree: Path, store: Path) -> None:
        self.tree = tree
        self.store = store
        self.runner = Runner()
        self.now = BEGUN

    def run(self, *sessions: str, fresh: bool = False, tree: Path | None = None) -> Checked:
        """As a stage would."""
        gates = CachedGates(self.runner, tree or self.tree, self.store, ENVIRON, lambda: self.now, fresh=fresh)
        return gates.run(sessions, self.store / "log", lambda _: None)

    def change(self, path: str, text: str = "changed") -> None:
        """Write a file of the tree."""
        (self.tree / path).write_text(text)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """With one commit."""
    tree = tmp_path / "tree"
    for name in ("deployer/x.py", "docker/app.py", "rules.toml", "pyproject.toml"):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(name)
    (tree / "pyproject.toml").write_text(PYPROJECT)
    git(tree, "init", "--quiet")
    git(tree, "add", ".")
    git(tree, "commit", "--quiet", "--message", "first")
    return Place(tree, tmp_path / "store")


def test_unchanged_sessions_do_not_run_again(place: Place) -> None:
    """And it is said since when they are good: the oldest pass counts."""
    place.run("unit")
    place.now += timedelta(minutes=2)
    place.run("types")
    place.now += timedelta(minutes=10)

    checked = place.run("unit", "types")

    assert Checked("passed 2026-11-25 17:40:12Z, 12 min ago", cached=True) == checked
    assert [("unit",), ("types",)] == place.runner.runs


def test_a_first_run_says_nothing_of_passes(place: Place) -> None:
    assert Checked("unit, types passed 1.0 s") == place.run("unit", "types")
    assert "" == place.runner.extra["GATES_PASSED"]


def test_only_the_changed_session_runs(place: Place) -> None:
    place.run("unit", "types")
    place.change("docker/app.py")
    checked = place.run("unit", "types")

    assert ("types",) == place.runner.runs[-1]
    assert not checked.cached


def test_of_a_session_only_the_changed_part(place: Place) -> None:
    """The session is told what it may leave out, and so are people."""
    place.run("unit", "types")
    place.change("docker/app.py")
    place.now += timedelta(seconds=5)

    checked = place.run("unit", "types")

    assert "types.deployer" == place.runner.extra["GATES_PASSED"]
    assert "types passed 1.0 s; unit, types.deployer passed 2026-11-25 17:40:12Z, 5 s ago" == checked.summary
    assert place.run("types").cached


def test_what_was_good_before_a_change_is_good_after_it_was_taken_back(place: Place) -> None:
    place.run("unit")
    place.change("deployer/x.py")
    place.run("unit")
    place.change("deployer/x.py", "deployer/x.py")

    assert place.run("unit").cached


def test_another_worktree_of_the_same_content_shares_it(place: Place, tmp_path: Path) -> None:
    place.run("unit", "types")
    git(place.tree, "worktree", "add", "--quiet", "--detach", str(tmp_path / "worktree"))

    assert place.run("unit", "types", tree=tmp_path / "worktree").cached


def test_failed_sessions_run_again_and_passed_ones_do_not(place: Place) -> None:
    """Whoever mends one test need not wait for all others."""
    place.runner.results = {"types": "failed"}
    with pytest.raises(GateFailed):
        place.run("unit", "types")
    place.runner.results = {}

    place.run("unit", "types")

    assert [("unit", "types"), ("types",)] == place.runner.runs


def test_skipped_sessions_run_again(place: Place) -> None:
    """Not run is no pass."""
    place.runner.results = {"unit": "skipped"}
    place.run("unit")

    assert not place.run("unit").cached


def test_interrupted_sessions_run_again(place: Place) -> None:
    place.runner.during = lambda: (_ for _ in ()).throw(Interrupted("run nox", "asked to stop"))
    with pytest.raises(Interrupted):
        place.run("unit")
    place.runner.during = lambda: None

    assert not place.run("unit").cached


def test_a_change_while_it_runs_leaves_no_verdict(place: Place) -> None:
    """Neither for what was there before nor for what is there now."""
    place.runner.during = lambda: place.change("deployer/x.py")
    place.run("unit")
    place.runner.during = lambda: None
    now = place.run("unit").cached
    place.change("deployer/x.py", "deployer/x.py")

    assert [False, False] == [now, place.run("unit").cached]


def test_a_change_of_what_it_does_not_read_does_not_matter(place: Place) -> None:
    place.runner.during = lambda: place.change("docker/app.py")
    place.run("unit")

    assert place.run("unit").cached


def test_fresh_runs_everything_and_records_it(place: Place) -> None:
    """`--no-cache`, and CI."""
    place.run("unit", "types")

    assert Checked("unit, types passed 1.0 s") == place.run("unit", "types", fresh=True)
    assert "" == place.runner.extra["GATES_PASSED"]
    place.change("deployer/x.py")
    place.run("unit", fresh=True)
    assert place.run("unit").cached


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"check": "unit"}', "other"])
def test_a_damaged_record_is_none(place: Place, text: str) -> None:
    """So is the pass of something else under its name."""
    place.run("unit")
    (record,) = place.store.glob("unit/*.json")
    record.write_text(record.read_text().replace(record.stem, "0" * 64) if text == "other" else text)

    assert not place.run("unit").cached
    assert place.run("unit").cached


@pytest.mark.parametrize("commits", [["--all"], "HEAD", [3], {"x": 1}])
def test_a_record_of_no_commits_is_none(place: Place, commits: object) -> None:
    """Git is not asked about just anything."""
    place.run("scan")
    (record,) = place.store.glob("scan.secrets/*.json")
    record.write_text(json.dumps(json.loads(record.read_text()) | {"commits": commits}))

    assert not place.run("scan").cached
    assert "COMMITS_PASSED" not in place.runner.extra


def test_a_failure_is_told_even_if_git_has_gone(place: Place) -> None:
    """Nothing is recorded then."""
    place.runner.results = {"types": "failed"}
    place.runner.during = lambda: (place.tree / ".git").rename(place.tree / "gone")

    with pytest.raises(GateFailed):
        place.run("unit", "types")

    assert [] == [*place.store.glob("unit*/*")]


def test_no_room_for_a_record_is_no_failure(place: Place) -> None:
    """It costs a run next time."""
    place.store.write_text("a file where the folder would be")

    assert Checked("unit passed 1.0 s") == place.run("unit")


def test_old_records_make_room(place: Place) -> None:
    """The oldest first, whatever they hold."""
    (place.store / "unit").mkdir(parents=True)
    for number in range(120):
        (place.store / "unit" / f"{number}.json").write_text("")
        os.utime(place.store / "unit" / f"{number}.json", (number, number))

    place.run("unit")

    assert 100 == len([*place.store.glob("unit/*")])
    assert place.run("unit").cached


def test_commits_that_passed_need_no_second_look(place: Place) -> None:
    first = git(place.tree, "rev-parse", "HEAD")
    place.run("scan")
    begun = place.runner.extra
    git(place.tree, "commit", "--quiet", "--allow-empty", "--message", "second")
    place.now += timedelta(seconds=1)
    place.run("scan")
    second = place.runner.extra
    place.change("deployer/x.py")
    place.run("scan")

    assert "COMMITS_PASSED" not in begun
    assert first == second["COMMITS_PASSED"]
    assert git(place.tree, "rev-parse", "HEAD") == place.runner.extra["COMMITS_PASSED"]


def test_under_other_rules_every_commit_is_looked_at(place: Place) -> None:
    place.run("scan")
    place.change("rules.toml")
    place.run("scan")

    assert "COMMITS_PASSED" not in place.runner.extra


def test_fresh_looks_at_every_commit(place: Place) -> None:
    place.run("scan")
    place.run("scan", fresh=True)

    assert "COMMITS_PASSED" not in place.runner.extra


def test_commits_that_are_gone_are_not_named(place: Place) -> None:
    """Git would not know them, and the scan would fail."""
    place.run("scan")
    git(place.tree, "commit", "--quiet", "--amend", "--message", "other")
    git(place.tree, "reflog", "expire", "--expire=now", "--all")
    git(place.tree, "gc", "--quiet", "--prune=now")
    place.run("scan")

    assert "" == place.runner.extra["COMMITS_PASSED"]


def test_a_failed_scan_has_passed_no_commit(place: Place) -> None:
    place.runner.results = {"scan": "failed"}
    with pytest.raises(GateFailed):
        place.run("scan")
    place.runner.results = {}
    place.run("scan")

    assert "COMMITS_PASSED" not in place.runner.extra
