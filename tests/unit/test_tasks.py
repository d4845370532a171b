"""tasks.py turns outcomes into exit codes and stays quick to load."""

from __future__ import annotations

import errno
import subprocess
import sys

import pytest
from invoke.exceptions import Exit

import tasks
from deployer import errors
from tests.examples import ROOT


def fails(error: BaseException) -> None:
    """A command that raises `error`."""
    raise error


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.InputError("a", "b"), 2),
        (errors.NotAllowed("a", "b"), 3),
        (errors.GateFailed("a", "b"), 10),
        (errors.RolledBack("a", "b"), 20),
        (errors.StateUncertain("a", "b"), 21),
        (errors.Unreachable("a", "b"), 30),
        (errors.Locked("a", "b"), 40),
        (errors.Interrupted("a", "b"), 130),
        (KeyboardInterrupt(), 130),
        (OSError(errno.ENOSPC, "No space left on device", "/x"), 30),
        (FileNotFoundError(errno.ENOENT, "No such file", "/x"), 1),
        (ZeroDivisionError("a bug"), 1),
    ],
)
def test_every_error_has_its_exit_code(error: BaseException, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    """One message on stderr, nothing on stdout, and a traceback for our bugs only."""
    with pytest.raises(Exit) as ended:
        tasks.run(lambda: fails(error))  # type: ignore[func-returns-value]
    told = capsys.readouterr()

    assert code == ended.value.code
    assert "" == told.out
    assert (code == 1) is ("Traceback" in told.err)
    assert told.err.strip()


def test_success_is_silent() -> None:
    """Exit code 0 needs no exception."""
    tasks.run(lambda: 0)


def test_listing_the_tasks_imports_nothing_heavy() -> None:
    """`inv --list` must not wait for boto3."""
    heavy = "{'boto3', 'botocore', 'docker', 'hcl2', 'rich', 'pydantic', 'httpx', 'requests'}"
    code = f"import sys, tasks; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)

    assert "[]" == done.stdout.strip()


def test_the_promised_commands_are_there() -> None:
    """Scripts and CI depend on these names."""
    promised = {
        *("deploy", "rollback", "status", "history", "lint", "test", "scan", "build", "push", "plan", "apply"),
        *("verify", "migrate", "smoke-test", "unlock", "cloud.up", "cloud.down", "cloud.status"),
    }

    assert promised <= set(tasks.ns.task_names)
