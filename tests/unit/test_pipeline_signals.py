"""Ctrl-C, kill and a second Ctrl-C, with real signals to this very process."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from dataclasses import replace

import pytest

from deployer.errors import GateFailed, Interrupted, StateUncertain
from deployer.model import Outcome, Release, Status, Verdict
from deployer.pipeline import Report, Stage, Stop, execute
from deployer.ports import World
from tests import examples
from tests.fakes import Heard

pytestmark = pytest.mark.usefixtures("signal_defaults")

Failing = Callable[[], Exception]


def ask(number: signal.Signals = signal.SIGINT) -> None:
    """Raise a signal here: one that is sent may arrive in any thread, and later."""
    signal.raise_signal(number)


class Asked:
    """Runs pipelines whose stages ask to stop and see what comes of it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.stop = Stop()
        self.log: list[str] = []
        self.ended = threading.Event()
        self.heard = Heard()
        self.heard.said = self._said  # type: ignore[method-assign]

    def _said(self, stage: str, line: str) -> None:
        self.heard.lines.append(f"{stage}: {line}")
        self.ended.set()

    def until_stopped(self, number: signal.Signals, error: Failing | None = None) -> Stage:
        """A stage that is interrupted by `number` half way."""

        def run(_: Release, __: World) -> Outcome:
            ask(number)
            assert self.stop.event.wait(10), "nobody was told to stop"
            raise error() if error else Interrupted("wait", "asked to stop")

        return Stage("deploy", ("lock",), run)

    def execute(self, *stages: Stage, finish: Callable[[Report], Report] = lambda report: report) -> Report:
        """Take a fresh release through `stages`."""
        return execute(stages, examples.release(), self.world, self.heard, self.stop, finish)


@pytest.fixture
def asked(world: World) -> Asked:
    """A run to be interrupted."""
    return Asked(world)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_puts_back_and_gives_back(asked: Asked, number: signal.Signals) -> None:
    """Exit code 130, everything undone, nothing held, and nothing new started."""
    stages = (
        examples.stage("lock", log=asked.log),
        asked.until_stopped(number),
        examples.stage("smoke", "deploy", log=asked.log),
    )

    report = asked.execute(*stages)

    assert (Verdict.INTERRUPTED, Interrupted) == (report.verdict, type(report.error))
    assert ["lock", "undo lock", "close lock"] == asked.log
    assert [("lock", Status.UNDONE), ("deploy", Status.SKIPPED)] == [(r.name, r.status) for r in report.results]


def test_a_stage_that_ends_well_in_spite_of_the_signal_is_undone(asked: Asked) -> None:
    """It was done, so it has to be undone; and what came after it does not start."""

    def run(_: Release, __: World) -> Outcome:
        ask()
        assert asked.stop.event.wait(10)
        return Outcome()

    deploy = Stage("deploy", (), run, lambda *_: asked.log.append("undo deploy"))
    report = asked.execute(deploy, examples.stage("smoke", "deploy", log=asked.log))

    assert (Verdict.INTERRUPTED, ["undo deploy"]) == (report.verdict, asked.log)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_second_signal_does_not_cut_the_undo(asked: Asked, number: signal.Signals) -> None:
    """Whoever asks twice has been heard; half put back would be worse than both ends."""

    def undo(_: Release, __: Outcome, ___: World) -> None:
        asked.log.append("undo begins")
        ask(number)
        ask(signal.SIGINT)
        asked.log.append("undo ends")

    lock = Stage("lock", (), lambda _, __: Outcome(), undo, lambda _: asked.log.append("close"))
    report = asked.execute(lock, asked.until_stopped(signal.SIGINT))

    assert (Verdict.INTERRUPTED, ["undo begins", "undo ends", "close"]) == (report.verdict, asked.log)


def test_a_signal_during_the_undo_of_a_failure_changes_nothing(asked: Asked) -> None:
    """The first signal comes while a failed release is put back: it is put back, and told as what it was."""

    def undo(_: Release, __: Outcome, ___: World) -> None:
        ask()
        asked.log.append("undone")

    deploy = Stage("deploy", (), lambda _, __: Outcome(), undo)
    smoke = examples.stage("smoke", "deploy", log=[], error=GateFailed("smoke", "404"))
    report = asked.execute(deploy, smoke)

    assert (Verdict.ROLLED_BACK, ["undone"]) == (report.verdict, asked.log)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_in_the_final_stage_lets_it_finish(asked: Asked, number: signal.Signals) -> None:
    """Undoing would lead to what it takes away: the release is proven, so it is finished, and people are told."""

    def run(_: Release, world: World) -> Outcome:
        ask(number)
        asked.ended.wait(10)
        world.clock.wait(1)
        asked.log.append("retired")
        return Outcome()

    retire = Stage("retire", ("deploy",), run, final=True)
    report = asked.execute(examples.stage("deploy", log=asked.log), retire)

    assert (Verdict.GOOD, ["deploy", "retired", "close deploy"]) == (report.verdict, asked.log)
    told = [line for line in asked.heard.lines if line.startswith("retire: ")]
    assert ["retire: asked to stop, but the release is proven: it is finished, not put back"] == told


def test_a_signal_before_the_final_stage_puts_back(asked: Asked) -> None:
    """Nothing has been taken away yet."""

    def run(_: Release, __: World) -> Outcome:
        ask()
        assert asked.stop.event.wait(10)
        return Outcome()

    stages = (examples.stage("deploy", log=asked.log), Stage("smoke", ("deploy",), run))
    final = replace(examples.stage("retire", "smoke", log=asked.log), final=True)
    report = asked.execute(*stages, final)

    assert (Verdict.INTERRUPTED, ["deploy", "undo deploy", "close deploy"]) == (report.verdict, asked.log)


def test_a_signal_while_the_ledger_is_written_comes_too_late(asked: Asked) -> None:
    """The release is good and proven: it is written down and the lease given back."""

    def finish(report: Report) -> Report:
        ask()
        asked.log.append("written")
        return report

    report = asked.execute(examples.stage("lock", log=asked.log), finish=finish)

    assert (Verdict.GOOD, ["lock", "written", "close lock"]) == (report.verdict, asked.log)


def test_a_signal_while_closing_keeps_nothing_held(asked: Asked) -> None:
    """The lease is given back although somebody is impatient at the very end."""

    def close(_: World) -> None:
        ask()
        asked.log.append("released")

    report = asked.execute(Stage("lock", (), lambda _, __: Outcome(), close=close))

    assert (Verdict.GOOD, ["released"]) == (report.verdict, asked.log)


def test_interrupted_but_not_put_back_is_uncertain(asked: Asked) -> None:
    """The stage that was cut off says that it could not put back: that is the news, not the Ctrl-C."""
    lost = StateUncertain("put backend back to revision 7", "throttled")

    report = asked.execute(asked.until_stopped(signal.SIGINT, lambda: lost))

    assert (Verdict.FAILED, lost) == (report.verdict, report.error)


def test_a_bug_while_stopping_is_raised(asked: Asked) -> None:
    """`interrupted and put back` would be a guess: a stage that broke has not put anything back."""
    with pytest.raises(KeyError, match="oops"):
        asked.execute(asked.until_stopped(signal.SIGINT, lambda: KeyError("oops")))


def test_a_failure_while_stopping_does_not_hide_who_asked(asked: Asked) -> None:
    """A gate that says no because it was cut off is no news."""
    report = asked.execute(asked.until_stopped(signal.SIGTERM, lambda: GateFailed("lint", "killed")))

    assert Verdict.INTERRUPTED == report.verdict


def test_ctrl_c_means_again_what_it_meant(asked: Asked) -> None:
    """After the run, Python's own handler is back."""
    asked.execute(asked.until_stopped(signal.SIGINT))

    with pytest.raises(KeyboardInterrupt):
        ask()
