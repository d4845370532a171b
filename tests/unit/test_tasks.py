"""tasks.py turns outcomes into exit codes and stays quick to load."""

from __future__ import annotations

import errno
import importlib.util
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

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


def test_the_commands_are_listed_without_heavy_imports() -> None:
    """`inv --list` answers at once; what a command needs is loaded when it needs it."""
    heavy = ("boto3", "botocore", "docker", "hcl2", "httpx", "nox", "pydantic", "requests", "rich")
    script = f"import sys, tasks, deployer.app, deployer.local; print(*[m for m in {heavy} if m in sys.modules])"

    loaded = subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True, capture_output=True, text=True).stdout

    assert [] == loaded.split()


def test_docker_is_the_sdk() -> None:
    """And not the checkout's folder of that name, wherever a command is started."""
    spec = importlib.util.find_spec("docker")

    assert spec is not None
    assert spec.origin is not None
    assert not Path(spec.origin).is_relative_to(ROOT / "docker")


def test_the_promised_commands_are_there() -> None:
    """Scripts and CI depend on these names."""
    promised = {
        *("deploy", "rollback", "status", "history", "lint", "test", "scan", "build", "push", "plan", "apply"),
        *(
            "verify",
            "migrate",
            "smoke-test",
            "lock",
            "unlock",
            "attach",
            "abort",
            "cloud.up",
            "cloud.down",
            "cloud.status",
            "drift",
            "parity",
        ),
    }

    assert promised <= set(tasks.ns.task_names)


@pytest.mark.parametrize("command", ["plan", "apply", "deploy"])
def test_addresses_come_as_they_were_typed(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once for each, with brackets, quotes and equals signs in them; none are none."""
    from deployer import app
    from deployer.program import Inv

    asked: list[tuple[str, ...]] = []

    def heard(*_: object, allow_destroy: Sequence[str], **__: object) -> int:
        asked.append(tuple(allow_destroy))
        return 0

    monkeypatch.setattr(app, "deploy" if command == "deploy" else "stage", heard)
    monkeypatch.chdir(ROOT)
    addresses = ('module.a.aws_s3_bucket.this["x=y"]', "aws_kms_key.this[0]")
    for given in (addresses, ()):
        words = [f"--allow-destroy={address}" for address in given]
        Inv(name="Invoke", binary="inv", version="0").run(["inv", command, "--env=dev", *words], exit=False)

    assert [addresses, ()] == asked
