"""Eighty columns are enough, and nobody's file is wrapped."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest
from rich.console import Console

from deployer import console, reports, screen
from deployer.errors import GateFailed
from deployer.model import Color, Revision, Scaling, StageResult, Status
from tests.examples import NOW

LONG = "the local cloud did not answer in time, although it was asked again and again, until nobody could wait longer"


@pytest.fixture(autouse=True)
def eighty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")


def widest(text: str) -> int:
    """The longest line; that there are lines at all is part of the question."""
    return max(map(len, text.splitlines()))


def test_a_failure_fits(capsys: pytest.CaptureFixture[str]) -> None:
    """Message, details and hint are wrapped under their own beginning."""
    console.failure(GateFailed("start the local cloud", LONG, LONG, details=(LONG, "short"), log=Path.cwd() / "a.log"))
    told = capsys.readouterr().err

    assert widest(told) <= 80
    assert LONG in " ".join(told.split())
    indents = [len(line) - len(line.lstrip()) for line in told.splitlines()]
    assert [0, 7, 4, 6, 4, 2, 8, 3] == indents
    assert "   log: a.log" == told.splitlines()[-1]


def test_a_path_is_never_broken(capsys: pytest.CaptureFixture[str]) -> None:
    """It is there to be copied."""
    path = "/" + "/".join(["folder"] * 15)
    console.failure(GateFailed("read", f"{LONG} {path}"))

    assert path in capsys.readouterr().err.split()


def test_what_is_no_screen_gets_lines_whole(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A log file, a pipe to grep."""
    monkeypatch.delenv("COLUMNS")
    console.failure(GateFailed("start", LONG))

    assert f"error: start: {LONG}\n" == capsys.readouterr().err


@pytest.mark.parametrize(("given", "width"), [("80", 80), ("7", screen.LEAST), ("0", None), ("wide", None), ("", None)])
def test_the_width_of_a_screen(monkeypatch: pytest.MonkeyPatch, given: str, width: int | None) -> None:
    """COLUMNS as a shell sets it; anything else says nothing."""
    monkeypatch.setenv("COLUMNS", given)

    assert width == screen.columns(io.StringIO())


def test_the_table_of_a_run_fits(capsys: pytest.CaptureFixture[str]) -> None:
    """The longest stage, the longest status, a long note."""
    rows = [StageResult("smoke_test", Status.UNDONE, 1234.5, LONG), StageResult("plan", Status.CACHED, 0.1, "")]
    console.results(rows, ["smoke_test"], 1234.6)

    assert widest(capsys.readouterr().err) <= 80


def test_the_live_table_fits() -> None:
    """Rich cuts what does not."""
    events = console.LiveEvents(["smoke_test", "plan"])
    events.started("smoke_test")
    events.said("smoke_test", LONG)
    page = Console(file=io.StringIO(), width=80)
    page.print(events)
    assert isinstance(page.file, io.StringIO)

    assert widest(page.file.getvalue()) <= 80


def test_plain_progress_fits(capsys: pytest.CaptureFixture[str]) -> None:
    """A terminal without colour."""
    events = console.PlainEvents()
    events.started("smoke_test")
    events.said("smoke_test", LONG)

    assert widest(capsys.readouterr().err) <= 80


def test_status_fits(capsys: pytest.CaptureFixture[str]) -> None:
    """Doubts are sentences."""
    live = {
        "frontend": Revision("frontend", Color.BLUE, "arn", "dev-1", "0" * 40, "sha256:" + "a" * 64, 10, 12, "FAILED")
    }
    answer = reports.status(
        "development",
        "http://indivillage-dev-public.alb.localhost:8080",
        {},
        live,
        {"frontend": Scaling(10, 20)},
        [LONG],
        None,
        None,
    )
    console.mapping(reports.status_lines(answer))

    assert widest(capsys.readouterr().out) <= 80


def test_history_fits(capsys: pytest.CaptureFixture[str]) -> None:
    """The longest id, outcome and name; a reason is below its release."""
    row = {
        "release": "staging-20260304T050607Z-0123456",
        "outcome": "rolled-back",
        "dirty": True,
        "actor": "Somebody With A Very Long Name <somebody@example.org>",
        "reason": LONG,
        "restores": None,
        "started_at": reports.moment(NOW),
    }
    for line in screen.table(reports.history_rows([row])):
        console.answer(line)
    console.paragraph(reports.history_reason(row))

    assert widest(capsys.readouterr().out) <= 80


def test_the_local_cloud_fits(capsys: pytest.CaptureFixture[str]) -> None:
    """The longest name that the emulator gives."""
    name = "indivillage-cloud-6ff3e4ef"
    cache = "elasticache-rg-000000000000-ap-south-1-indivillage-staging-0001"
    answer = {
        "name": name,
        "running": True,
        "ready": True,
        "endpoint_url": "http://127.0.0.1:4566",
        "registry": "localhost:4566",
        "ports": {"api": 4566, "http": 8080},
        "containers": [{"name": f"{name}-{cache}", "state": "running"}],
    }
    console.mapping(reports.cloud_lines(answer))
    told = capsys.readouterr().out

    assert widest(told) <= 80
    assert f"{cache}, running" in " ".join(told.split())
    assert "api 4566, http 8080" in told


def test_children_are_told_the_width(monkeypatch: pytest.MonkeyPatch) -> None:
    """And of colour only where there is some."""
    assert {"COLUMNS": "80"} == console.for_children()
    monkeypatch.setattr(console, "colored", lambda: True)
    assert {"COLUMNS": "80", "FORCE_COLOR": "1"} == console.for_children()
    monkeypatch.delenv("COLUMNS")
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert {"FORCE_COLOR": "1"} == console.for_children()
