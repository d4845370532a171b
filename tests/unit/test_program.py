"""What is mistyped ends with 2 and names what is near, whatever Invoke itself would do."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from deployer import program
from tests.examples import ROOT


def inv(*words: str) -> subprocess.CompletedProcess[str]:
    """Run the program as ./scripts/inv does."""
    command = [sys.executable, "-m", "deployer.program", *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("words", "seen", "hint"),
    [
        (("deply",), "no idea what 'deply' is", "did you mean deploy? `inv --list`"),
        (("cloud.dwn",), "no idea what 'cloud.dwn' is", "did you mean cloud.down? `inv --list`"),
        (("deploy", "--envv=dev"), "no idea what '--envv' is", "did you mean --env? `inv deploy --help`"),
        (("status", "--jsn"), "no idea what '--jsn' is", "did you mean --json? `inv status --help`"),
        (("--lst",), "no idea what '--lst' is", "did you mean --list? `inv --list`"),
        (("deploy", "--env"), "flag --env needed value", "`inv deploy --help`"),
        (("deploy", "staging"), "no idea what 'staging' is", "`inv deploy --help`"),
        (("deploy", "dev"), "'dev' beside deploy: it is a command of its own", "did you mean --env=dev?"),
        (("dev", "--cloud=local"), "no idea what '--cloud' is", "`inv dev --help`"),
        (("--help=deploi",), "no idea what 'deploi' is", "did you mean deploy?"),
    ],
)
def test_a_mistyped_word_is_bad_input(words: tuple[str, ...], seen: str, hint: str) -> None:
    """Exit 2, one message with the next step, nothing on stdout."""
    ended = inv(*words)

    assert (2, "") == (ended.returncode, ended.stdout)
    assert seen in ended.stderr
    assert hint in ended.stderr
    assert "Traceback" not in ended.stderr


def test_what_is_right_is_invoke_s_own() -> None:
    """The list, the help of a task and the version come from Invoke."""
    listed, helped = inv("--list"), inv("deploy", "--help")

    assert (0, 0) == (listed.returncode, helped.returncode)
    assert "smoke-test" in listed.stdout
    assert "Usage: inv " in helped.stdout


def test_our_modules_are_compiled_once(tmp_path: Path) -> None:
    """The second command finds them; PYTHONDONTWRITEBYTECODE is still heard."""
    for quiet in ("1", ""):
        env = {**os.environ, "PYTHONPYCACHEPREFIX": str(tmp_path), "PYTHONDONTWRITEBYTECODE": quiet}
        command = [sys.executable, "-m", "deployer.program", "--list"]
        subprocess.run(command, cwd=ROOT, env=env, capture_output=True, check=True)
        assert bool(list(tmp_path.rglob("tasks.*.pyc"))) is not bool(quiet)


def test_ctrl_c_before_anything_has_begun_is_130(monkeypatch: pytest.MonkeyPatch) -> None:
    """As it is afterwards."""

    def interrupt(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(program.Inv, "load_collection", interrupt)
    monkeypatch.setattr(sys, "argv", ["inv", "--list"])
    with pytest.raises(SystemExit) as ended:
        program.main()

    assert 130 == ended.value.code
