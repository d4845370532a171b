"""What a check depends on: everything but what is named, and nothing that differs between two equal checkouts."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from deployer.errors import InputError
from deployer.tools import gate_inputs
from deployer.tools.gate_inputs import Check, Inputs

ALL = Check("unit")
SOME = Check("unit", without=("docker/", "README.md"))
COMMITS = Check("scan.secrets", judges=("rules.toml",))
ENVIRON = {"PATH": os.environ["PATH"], "HOME": "/nowhere"}
PYPROJECT = """
[tool.gates.without]
"unit" = ["docker/"]
"types.backend" = ["deployer/"]
"types.deployer" = []
"scan.secrets" = []
[tool.gates.commits]
"scan.secrets" = ["rules.toml"]
"""


def git(tree: Path, *command: str) -> None:
    """Run git as nobody in particular."""
    subprocess.run(["git", "-c", "user.name=n", "-c", "user.email=e", *command], cwd=tree, check=True)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A checkout with one commit."""
    made = tmp_path / "tree"
    (made / "docker" / "app").mkdir(parents=True)
    for name in ("pyproject.toml", "noxfile.py", "README.md", "docker/app/main.py", "docker.py", "rules.toml"):
        (made / name).write_text(name)
    (made / "pyproject.toml").write_text(PYPROJECT)
    (made / "link").symlink_to("docker.py")
    git(made, "init", "--quiet")
    git(made, "add", ".")
    git(made, "commit", "--quiet", "--message", "first")
    return made


def look(tree: Path, *, history: bool = False, **environ: str) -> Inputs:
    """The inputs as they are now."""
    found = gate_inputs.read(tree, {**ENVIRON, **environ}, history=history)
    assert found is not None
    return found


def rename(tree: Path) -> None:
    """The same content under another name."""
    (tree / "noxfile.py").rename(tree / "noxfile2.py")


def relink(tree: Path) -> None:
    """A link that leads elsewhere, to equal content."""
    (tree / "link").unlink()
    (tree / "link").symlink_to("README.md")


@pytest.mark.parametrize(
    "change",
    [
        lambda tree: (tree / "noxfile.py").write_text("changed"),
        lambda tree: (tree / "noxfile.py").unlink(),
        lambda tree: (tree / "noxfile.py").chmod(0o755),
        lambda tree: (tree / "pyproject.toml").write_text(f"{PYPROJECT}\n"),
        lambda tree: (tree / "new folder").mkdir() or (tree / "new folder" / "ü").write_text(""),
        lambda tree: (tree / "docker.py").write_text("named like an excluded folder"),
        rename,
        relink,
    ],
    ids=["content", "deletion", "program", "configuration", "new folder", "a folder's namesake", "rename", "link"],
)
def test_what_counts(tree: Path, change: Callable[[Path], object]) -> None:
    """Content, names, kinds; tracked or new."""
    before = look(tree)
    change(tree)

    assert before.key(SOME) != look(tree).key(SOME)


@pytest.mark.parametrize(
    "change",
    [
        lambda tree: os.utime(tree / "noxfile.py", (1, 1)),
        lambda tree: (tree / "noxfile.py").chmod(0o600),
        lambda tree: (tree / "docker" / "app" / "main.py").write_text("changed"),
        lambda tree: (tree / "README.md").unlink(),
        lambda tree: git(tree, "commit", "--quiet", "--allow-empty", "--message", "second"),
        lambda tree: (tree / ".git" / "info" / "exclude").write_text("x.log\n") and (tree / "x.log").write_text(""),
    ],
    ids=["time", "permission", "excluded folder", "excluded file", "commit", "ignored file"],
)
def test_what_does_not(tree: Path, change: Callable[[Path], object]) -> None:
    """Times, what git does not carry, what is named as no input."""
    before = look(tree)
    change(tree)

    assert before.key(SOME) == look(tree).key(SOME)


def test_everything_is_an_input_where_nothing_is_named(tree: Path) -> None:
    before = look(tree)
    (tree / "README.md").unlink()

    assert before.key(ALL) != look(tree).key(ALL)


def test_the_same_content_elsewhere_is_the_same(tree: Path, tmp_path: Path) -> None:
    """A worktree of `--ref` shares what the checkout has recorded."""
    shutil.copytree(tree, tmp_path / "ätwas anderes", symlinks=True)

    assert look(tree).key(ALL) == look(tmp_path / "ätwas anderes").key(ALL)


def test_another_python_counts(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = look(tree).key(ALL)
    monkeypatch.setattr(sys, "version", "4.0")

    assert before != look(tree).key(ALL)


def test_another_program_counts(tree: Path, tmp_path: Path) -> None:
    """By content: the version of bash is not in its name."""
    (tmp_path / "bash").write_text("#!/bin/sh\n")
    (tmp_path / "bash").chmod(0o755)

    assert look(tree).key(ALL) != look(tree, PATH=f"{tmp_path}:{ENVIRON['PATH']}").key(ALL)


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        *((n, True) for n in ("PYTHONHASHSEED", "LC_ALL", "TZ", "MYPYPATH", "GITLEAKS_CONFIG", "https_proxy", "CI")),
        *((n, False) for n in ("SHLVL", "PWD", "OLDPWD", "SSH_CONNECTION", "PATHS")),
    ],
)
def test_variables_that_count(tree: Path, name: str, *, counts: bool) -> None:
    """Those that sessions and their tools look at; not what differs between two terminals."""
    assert counts is (look(tree).key(ALL) != look(tree, **{name: "x"}).key(ALL))


def test_checks_differ(tree: Path) -> None:
    """The pass of one is none of another."""
    assert look(tree).key(ALL) != look(tree).key(replace(ALL, name="lint"))


def test_commits_count_for_what_reads_them(tree: Path) -> None:
    """Tree and rules are the same again after a secret was committed and taken out; history is not."""
    before = look(tree, history=True)
    git(tree, "commit", "--quiet", "--allow-empty", "--message", "second")
    after = look(tree, history=True)

    assert before.key(COMMITS) != after.key(COMMITS)
    assert before.key(ALL) == after.key(ALL)
    assert before.judges(COMMITS) == after.judges(COMMITS)


def test_other_branches_are_history_too(tree: Path) -> None:
    git(tree, "checkout", "--quiet", "-b", "other")
    git(tree, "commit", "--quiet", "--allow-empty", "--message", "second")
    git(tree, "checkout", "--quiet", "-")

    assert 2 == len(look(tree, history=True).commits)


def test_other_rules_judge_anew(tree: Path) -> None:
    before = look(tree, history=True)
    (tree / "noxfile.py").write_text("changed")
    same = look(tree, history=True)
    (tree / "rules.toml").write_text("changed")

    assert before.judges(COMMITS) == same.judges(COMMITS)
    assert before.judges(COMMITS) != look(tree, history=True).judges(COMMITS)


def test_a_shallow_clone_has_seen_less(tree: Path, tmp_path: Path) -> None:
    """What comes in when it is made whole lies before the commits that have passed."""
    git(tree, "commit", "--quiet", "--allow-empty", "--message", "second")
    git(tmp_path, "clone", "--quiet", "--depth=1", tree.as_uri(), "clone")
    shallow = look(tmp_path / "clone", history=True)
    git(tmp_path / "clone", "fetch", "--quiet", "--unshallow")

    assert 1 == len(shallow.cut_off_at)
    assert shallow.judges(COMMITS) != look(tmp_path / "clone", history=True).judges(COMMITS)


def test_the_tree_names_its_parts(tree: Path) -> None:
    named = {session: gate_inputs.checks(tree, session) for session in ("unit", "types", "scan", "other")}

    assert named == {
        "unit": (Check("unit", ("docker/",)),),
        "types": (Check("types.backend", ("deployer/",)), Check("types.deployer")),
        "scan": (COMMITS,),
        "other": (Check("other"),),
    }


@pytest.mark.parametrize("text", [None, "[tool", "[tool]\ngates = 3", "[tool.gates]\nwithout = 3", "tool = 1"])
def test_a_tree_that_names_none_reads_everything(tree: Path, text: str | None) -> None:
    """A commit from before there was such a table, or a damaged one."""
    (tree / "pyproject.toml").unlink() if text is None else (tree / "pyproject.toml").write_text(text)

    assert (ALL,) == gate_inputs.checks(tree, "unit")


def test_a_file_that_cannot_be_read_leaves_nothing_to_say(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then sessions run, and nothing is recorded."""
    monkeypatch.setattr(gate_inputs, "listed", lambda *_: [Path("vanished")])

    assert gate_inputs.read(tree, ENVIRON, history=False) is None


def test_without_git_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        gate_inputs.read(tmp_path, {**ENVIRON, "GIT_CEILING_DIRECTORIES": str(tmp_path.parent)}, history=False)
