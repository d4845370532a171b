"""stdout is for data, stderr for people, and neither can stop a release."""

from __future__ import annotations

import io
import json
import os
import sys
import threading
from pathlib import Path

import pytest
from rich.console import Console

from deployer import console
from deployer.errors import GateFailed, Interrupted
from deployer.model import Secret, StageResult, Status


class Terminal(io.StringIO):
    """A stderr that is a terminal."""

    def isatty(self) -> bool:
        return True


class Gone(io.StringIO):
    """A stream whose other end was closed."""

    def __init__(self, error: OSError) -> None:
        super().__init__()
        self.error = error

    def write(self, _: str) -> int:
        raise self.error


def on_terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Make stderr a colour terminal."""
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    return stream


def test_data_is_json_on_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    """One value, readable by programs; what JSON does not know becomes text, a secret stays one."""
    console.data({"path": Path("a/b"), "password": Secret("hunter2"), "none": None})

    assert {"path": "a/b", "password": "Secret(***)", "none": None} == json.loads(capsys.readouterr().out)


@pytest.mark.parametrize(("terminal", "no_color", "red"), [(True, "", True), (True, "1", False), (False, "", False)])
def test_an_alarm_is_red_only_where_there_is_color(
    monkeypatch: pytest.MonkeyPatch, terminal: bool, no_color: str, red: bool
) -> None:
    """It is stdout that has to be a terminal, whatever stderr is; the words are the same."""
    stream = Terminal() if terminal else io.StringIO()
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setattr(sys, "stderr", io.StringIO() if terminal else Terminal())
    monkeypatch.setenv("NO_COLOR", no_color)
    console.answer("- bucket  ! DATA LOSS", alarm=True)
    console.answer("- load balancer")

    first, second = stream.getvalue().splitlines()
    assert ("\x1b[1;31m- bucket  ! DATA LOSS\x1b[0m" if red else "- bucket  ! DATA LOSS") == first
    assert "- load balancer" == second


def test_lines_for_people_go_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    """A pipe behind the command sees nothing of them."""
    console.line("working")
    console.answer("http://x")
    console.mapping({"url": "http://x", "release": "none"})

    assert ("http://x\nurl      http://x\nrelease  none\n", "working\n") == capsys.readouterr()


def test_a_failure_says_everything_once(capsys: pytest.CaptureFixture[str]) -> None:
    """What was attempted and seen, details, what to do next, and where the rest is."""
    error = GateFailed("run lint", "two findings", "mend them", details=("a.py:1", "b.py:2"), log=Path("lint.log"))

    console.failure(error)

    wanted = "error: run lint: two findings\n    a.py:1\n    b.py:2\n  next: mend them\n   log: lint.log\n"
    assert wanted == capsys.readouterr().err


def test_a_short_failure_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """No empty headings."""
    console.failure(GateFailed("run lint", "two findings"))

    assert "error: run lint: two findings\n" == capsys.readouterr().err


def test_an_interruption_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever pressed Ctrl-C knows what was attempted; what became of it is news."""
    error = Interrupted("run to the end", "asked to stop", "what was changed has been put back", log=Path("logs/x"))
    console.failure(error)

    assert "interrupted: what was changed has been put back; log: logs/x\n" == capsys.readouterr().err


def test_a_bug_has_its_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    """And says that it is ours."""
    try:
        int("oops")
    except ValueError:
        console.bug()

    err = capsys.readouterr().err
    assert ("Traceback" in err, "ValueError: invalid" in err, "This is a bug" in err) == (True, True, True)


@pytest.mark.parametrize("error", [BrokenPipeError(32, "gone"), OSError(5, "the terminal was closed")])
def test_a_closed_stderr_stops_nothing(monkeypatch: pytest.MonkeyPatch, error: OSError) -> None:
    """`inv deploy 2>&1 | head` or a closed window must not leave a release half way."""
    monkeypatch.setattr(sys, "stderr", Gone(error))
    events = console.PlainEvents()
    with events.showing():
        events.started("deploy")
        events.said("deploy", "rolling out")
        events.ended(StageResult("deploy", Status.OK, 1.0))
    console.failure(GateFailed("a", "b"))


def test_a_reader_that_went_away_ends_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """`inv history | head -1` ends like any program, without a traceback, also when Python flushes at exit."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w", encoding="utf-8") as stdout:
        monkeypatch.setattr(sys, "stdout", stdout)
        with pytest.raises(SystemExit) as caught:
            console.answer("too late")
        stdout.flush()

    assert 141 == caught.value.code


def test_plain_events_are_one_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    """Started, progress, ended with its note; each line with its stage."""
    events = console.PlainEvents()
    events.started("plan")
    events.said("plan", "reading the state")
    events.ended(StageResult("plan", Status.CACHED, 1.25, "no changes"))
    events.ended(StageResult("lint", Status.OK, 0.5))

    told = [line.split("s ", 1)[1] for line in capsys.readouterr().err.splitlines()]
    said = ["plan       started", "plan       reading the state", "plan       cached in 1.2 s: no changes"]
    assert [*said, "lint       ok in 0.5 s"] == told


class Beats(threading.Event):
    """Lets the heartbeat look so often, without waiting."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.left = times

    def wait(self, timeout: float | None = None) -> bool:
        self.left -= 1
        return self.left < 0


@pytest.mark.parametrize(("interval_s", "beats"), [(0.0, 2), (3600.0, 0)])
def test_the_heartbeat_says_what_is_waited_for(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, interval_s: float, beats: int
) -> None:
    """Stages that run, with the last thing they said; only when nothing was said for so long."""
    monkeypatch.setattr(console, "HEARTBEAT_S", interval_s)
    events = console.PlainEvents()
    events.started("plan")
    events.started("build")
    events.said("build", "step 3")
    capsys.readouterr()
    events._over = Beats(2)

    events._beat()

    assert beats == capsys.readouterr().err.count("still at plan; build step 3")


def test_the_heartbeat_is_silent_when_nothing_runs(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An ended stage is waited for no more."""
    monkeypatch.setattr(console, "HEARTBEAT_S", 0.0)
    events = console.PlainEvents()
    events.started("plan")
    events.ended(StageResult("plan", Status.OK, 1.0))
    capsys.readouterr()
    events._over = Beats(2)

    events._beat()

    assert "" == capsys.readouterr().err


def test_the_heartbeat_ends_with_the_run() -> None:
    """No thread is left behind, also after a failure."""
    events = console.PlainEvents()

    with pytest.raises(RuntimeError), events.showing():
        raise RuntimeError

    assert "heartbeat" not in {thread.name for thread in threading.enumerate()}


def test_a_colour_terminal_gets_the_live_table(monkeypatch: pytest.MonkeyPatch) -> None:
    """And red where it is due."""
    terminal = on_terminal(monkeypatch)

    console.failure(GateFailed("a", "b"))

    assert "\x1b[1;31merror:\x1b[0m a: b\n" == terminal.getvalue()
    assert isinstance(console.events(["plan"]), console.LiveEvents)


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_a_plain_terminal_gets_lines(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    """What the terminal or its user does not want."""
    on_terminal(monkeypatch)
    monkeypatch.setenv(name, value)

    assert isinstance(console.events(["plan"]), console.PlainEvents)


def test_a_pipe_gets_lines_without_colour(capsys: pytest.CaptureFixture[str]) -> None:
    """A log file holds no escape codes."""
    console.failure(GateFailed("a", "b"))

    assert isinstance(console.events([]), console.PlainEvents)
    assert "\x1b" not in capsys.readouterr().err


def test_the_live_table_follows_the_stages() -> None:
    """Waiting, running, and ended; what programs say is shown as it is, brackets and all."""
    events = console.LiveEvents(["lint", "build", "plan"])
    events.started("lint")
    events.ended(StageResult("lint", Status.FAILED, 1.5, "see [/tmp/x] [bold]"))
    events.started("build")
    events.said("build", "step [3/7]")
    page = Console(width=80, file=io.StringIO(), record=True)
    page.print(events)

    rows = [line.split() for line in page.export_text().splitlines()]
    assert ["lint", "failed", "1.5", "see", "[/tmp/x]", "[bold]"] == rows[1]
    assert ["build", "running", "step", "[3/7]"] == [*rows[2][:2], *rows[2][3:]]
    assert ["plan", "waiting"] == rows[3]


def test_the_live_table_leaves_its_last_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when an undo came after the end."""
    terminal = on_terminal(monkeypatch)
    events = console.LiveEvents(["deploy"])

    with events.showing():
        events.started("deploy")
        events.ended(StageResult("deploy", Status.OK, 2.0, "done"))
        events.said("deploy", "putting back")
        events.ended(StageResult("deploy", Status.UNDONE, 1.0, "put back"))

    assert "put back" in terminal.getvalue()


def test_the_final_table(capsys: pytest.CaptureFixture[str]) -> None:
    """Rows aligned, the critical path marked, long notes cut."""
    rows = [StageResult("lint", Status.OK, 1.0, "x" * 60), StageResult("plan", Status.CACHED, 12.34)]

    console.results(rows, ["plan"], 12.5)

    wanted = f"\nstage  status  s     note\nlint   ok      1.0   {'x' * 46}\nplan*  cached  12.3\n"
    assert f"{wanted}12.5 s in all; * is the critical path\n" == capsys.readouterr().err
