"""Every failure names a file that holds the rest."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from invoke.exceptions import Exit

import tasks
from deployer import errors, failure_log


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Where failures go in this test."""
    monkeypatch.setattr(failure_log, "FOLDER", tmp_path / "failures")
    monkeypatch.setattr(sys, "argv", ["inv", "db.console", "--command=select secret", "--x", "a secret"])
    return tmp_path / "failures"


def fail(error: Exception) -> int:
    """A command that meets `error` underneath."""
    error.__cause__ = ConnectionError("refused by the peer")
    raise error


@pytest.mark.parametrize(
    "kind",
    [
        errors.InputError,
        errors.NotAllowed,
        errors.GateFailed,
        errors.RolledBack,
        errors.StateUncertain,
        errors.Unreachable,
        errors.Locked,
    ],
)
def test_a_failure_without_a_log_gets_one(
    folder: Path, capsys: pytest.CaptureFixture[str], kind: type[errors.DeployError]
) -> None:
    """What was asked, what was seen, and what was underneath."""
    with pytest.raises(Exit):
        tasks.run(lambda: fail(kind("read the plan", "it is gone", "plan again", details=("line 1",))))
    (log,) = folder.glob("*.log")
    text = log.read_text(encoding="utf-8")

    assert f"   log: {log}" in capsys.readouterr().err
    assert all(word in text for word in ("inv db.console --command", "read the plan: it is gone", "line 1"))
    assert "ConnectionError: refused by the peer" in text
    assert "secret" not in text


def test_a_log_of_its_own_is_the_one_that_is_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The run's folder, nox's output."""
    with pytest.raises(Exit):
        tasks.run(lambda: fail(errors.GateFailed("lint", "no", log=Path("/logs/lint.log"))))

    assert ("   log: /logs/lint.log" in capsys.readouterr().err, []) == (True, list(folder.glob("*")))


def test_a_folder_of_logs_gets_one_for_the_failure(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Beside what the stages wrote, none of which goes."""
    run = tmp_path / "dev-20260101T000000Z-0123456"
    run.mkdir()
    for number in range(failure_log.KEPT + 1):
        (run / f"{number}.log").touch()
    with pytest.raises(Exit):
        tasks.run(lambda: fail(errors.RolledBack("roll out", "it crashed", log=run)))

    assert f"   log: {run / 'failure.log'}" in capsys.readouterr().err
    assert failure_log.KEPT + 2 == len(list(run.glob("*.log")))
    assert not folder.exists()


def test_an_interruption_stays_one_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """There is nothing more to say."""
    with pytest.raises(Exit):
        tasks.run(lambda: fail(errors.Interrupted("wait", "asked to stop")))

    assert (1, False) == (len(capsys.readouterr().err.splitlines()), folder.exists())


def test_old_ones_make_room(folder: Path) -> None:
    """The newest are kept."""
    folder.mkdir()
    for number in range(failure_log.KEPT + 5):
        (folder / f"20200101T{number:06}-1.log").touch()
    new = failure_log.write(errors.InputError("a", "b"))

    assert failure_log.KEPT == len(list(folder.glob("*.log")))
    assert new is not None
    assert new.exists()


def test_a_place_that_cannot_be_written_hides_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The message comes without a file."""
    (tmp_path / "failures").touch()
    with pytest.raises(Exit):
        tasks.run(lambda: fail(errors.InputError("read", "it is gone")))

    assert "error: read: it is gone\n" == capsys.readouterr().err
