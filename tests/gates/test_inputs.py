"""What checks are said not to read they do not read: each is run without it, and again with all of it spoiled.

Of the unit tests all are collected here, and few are run: the whole would take minutes, and as a whole their own
conftest.py watches what they read. Checks that read everything have nothing to prove.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from deployer.errors import GateFailed
from deployer.stages import lint, scan, test
from deployer.tools.gate_inputs import Check, checks
from deployer.tools.nox_gates import NoxGates
from deployer.tools.tree import listed

ROOT = Path(__file__).resolve().parents[2]
CHECKS = {check.name: check for stage in (lint, test, scan) for name in stage.SESSIONS for check in checks(ROOT, name)}
FEW = "test_conftest or test_doctests or test_tasks"
SPOILED_PYTHON = """\
import subprocess
subprocess.call(input(), shell=True)
assert not __name__, "spoiled"
spoiled: int = "spoiled"
"""
SPOILED = "(((\n"


def copy(check: Check, into: Path, *, spoiled: bool) -> Path:
    """The checkout at `into` with the inputs of `check`; the rest is missing, or of no use to anybody."""
    for path in listed(ROOT, ".", os.environ):
        place = into / path
        if check.reads(str(path)):
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / path, place, follow_symlinks=False)
        elif spoiled:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(SPOILED_PYTHON if path.suffix == ".py" else SPOILED)
            place.chmod((ROOT / path).stat().st_mode)
    subprocess.run(["git", "init", "--quiet"], cwd=into, check=True)
    subprocess.run(["git", "add", "--all"], cwd=into, check=True)
    return into


def run(check: Check, tree: Path) -> None:
    """Run just this check on `tree`, in the environment of the checkout's session."""
    session = check.name.partition(".")[0]
    others = " ".join(other.name for other in checks(tree, session) if other.name != check.name)
    arguments = ["--numprocesses=0", "-q", "-k", FEW] if check.name == "unit.deployer" else []
    gates = NoxGates(tree, envdir=ROOT / ".nox")
    told = gates.run([session], tree.parent / "log", print, extra={"GATES_PASSED": others}, arguments=arguments)
    assert f"{session} passed" in told


@pytest.mark.parametrize("spoiled", [False, True], ids=["missing", "spoiled"])
@pytest.mark.parametrize("name", [name for name, check in CHECKS.items() if check.without])
def test_what_it_does_not_read_does_not_matter(name: str, tmp_path: Path, *, spoiled: bool) -> None:
    run(CHECKS[name], copy(CHECKS[name], tmp_path / "tree", spoiled=spoiled))


@pytest.mark.parametrize(
    ("name", "left", "spoiled"),
    [
        ("scan.images", "docker/backend/", True),
        ("scan.deployer", "localcloud/names.py", True),
        ("types.backend", "docker/backend/app/alive.py", True),
        ("types.deployer", "localcloud/names.py", False),
        ("lint.imports", "localcloud/", False),
        ("application", "docker/backend/app/health.py", True),
        ("unit.deployer", "infrastructure/", False),
        ("unit.sources", "docker/frontend/build_site.py", True),
    ],
)
def test_what_it_reads_does(name: str, left: str, tmp_path: Path, *, spoiled: bool) -> None:
    """Else the proof above would prove nothing."""
    check = replace(CHECKS[name], without=(*CHECKS[name].without, left))

    with pytest.raises(GateFailed):
        run(check, copy(check, tmp_path / "tree", spoiled=spoiled))


def test_parts_that_are_not_declared_fail_the_session(tmp_path: Path) -> None:
    """They would never run once the declared ones have passed."""
    check = CHECKS["scan.images"]
    tree = copy(check, tmp_path / "tree", spoiled=False)
    text = (tree / "pyproject.toml").read_text()
    (tree / "pyproject.toml").write_text(text.replace('"scan.deployer" = [', '"scan.something" = ['))

    with pytest.raises(GateFailed) as failed:
        run(check, tree)

    assert any("scan.something" in line for line in failed.value.details)
