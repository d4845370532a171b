"""What a failure means: undone in reverse, told truthfully, with the exit code that fits."""

from __future__ import annotations

import errno
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from deployer.errors import (
    DeployError,
    GateFailed,
    Interrupted,
    Locked,
    ReleaseFailed,
    RolledBack,
    StateUncertain,
    Unreachable,
)
from deployer.journal_page import Entry, Page
from deployer.model import Outcome, Release, StageResult, Status, Verdict
from deployer.pipeline import Report, Stage, Stop, execute
from deployer.ports import World
from deployer.stages import lock
from tests import examples
from tests.fakes import Fakes, Heard

LOG = Path("smoke.log")


def run(world: World, *stages: Stage, finish: Callable[[Report], Report] = lambda report: report) -> Report:
    """Take a fresh release through `stages`."""
    return execute(stages, examples.release(), world, Heard(), Stop(), finish)


def code(report: Report) -> int:
    """The exit code that `report` leads to."""
    return report.error.exit_code if report.error else 0


def changed(log: list[str], error: BaseException, undo_error: Exception | None = None) -> tuple[Stage, ...]:
    """Two stages that can be undone, then one that fails with `error`."""
    return (
        examples.stage("deploy", log=log, undo_error=undo_error),
        examples.stage("shift", "deploy", log=log),
        examples.stage("smoke", "deploy", "shift", log=log, error=error),
    )


def unable(error: BaseException) -> Stage:
    """A stage without undo that fails with `error`: nothing was changed."""

    def run(_: Release, __: World) -> Outcome:
        raise error

    return Stage("only", (), run)


def test_undone_in_reverse(world: World) -> None:
    """Last done, first undone; each stage gets its own outcome back."""
    log: list[str] = []

    report = run(world, *changed(log, GateFailed("smoke", "404")))

    assert ["undo shift", "undo deploy"] == log[3:5]
    assert [Status.UNDONE, Status.UNDONE, Status.FAILED] == [r.status for r in report.results]


@pytest.mark.parametrize(
    ("error", "verdict", "exit_code"),
    [
        (GateFailed("lint", "no"), Verdict.FAILED, 10),
        (Unreachable("read ECS", "no answer"), Verdict.FAILED, 30),
        (Locked("lock", "held"), Verdict.FAILED, 40),
        (ReleaseFailed("migrate", "exit code 1"), Verdict.FAILED, 20),
        (RolledBack("deploy", "the circuit breaker fired"), Verdict.ROLLED_BACK, 20),
        (StateUncertain("deploy", "lease lost"), Verdict.FAILED, 21),
        (Interrupted("wait", "asked"), Verdict.INTERRUPTED, 130),
    ],
)
def test_verdict_of_a_failure_with_nothing_to_undo(
    world: World, error: DeployError, verdict: Verdict, exit_code: int
) -> None:
    """The stage has put back what it changed and says so by its class; the runner adds nothing."""
    report = run(world, unable(error))

    assert (verdict, exit_code) == (report.verdict, code(report))
    assert [Status.FAILED] == [r.status for r in report.results]


@pytest.mark.parametrize(
    ("error", "verdict", "exit_code"),
    [
        (GateFailed("smoke", "404"), Verdict.ROLLED_BACK, 20),
        (Unreachable("smoke", "no answer"), Verdict.ROLLED_BACK, 20),
        (ReleaseFailed("smoke", "503"), Verdict.ROLLED_BACK, 20),
        (RolledBack("shift", "alarm"), Verdict.ROLLED_BACK, 20),
        (StateUncertain("smoke", "lease lost"), Verdict.FAILED, 21),
        (Interrupted("wait", "asked"), Verdict.INTERRUPTED, 130),
    ],
)
def test_verdict_of_a_failure_after_a_change(
    world: World, error: DeployError, verdict: Verdict, exit_code: int
) -> None:
    """Undone means rolled back, unless it is not known or was asked for."""
    log: list[str] = []

    report = run(world, *changed(log, error))

    assert (verdict, exit_code) == (report.verdict, code(report))
    assert ["undo shift", "undo deploy"] == log[3:5]


def test_rolled_back_keeps_what_the_failure_said(world: World) -> None:
    """Message, hint, details and log of the first failure are what people need, and first that users are served."""
    first = GateFailed("smoke", "404", "look there", details=("GET / was 404",), log=LOG)

    error = run(world, *changed([], first)).error

    assert error is not None
    told = (error.attempted, error.seen, error.hint, error.details, error.log, error.__cause__)
    hint = "the version before serves again; look there"
    assert ("smoke", "404", hint, ("GET / was 404",), LOG, first) == told


def test_a_failed_undo_is_uncertain_and_tells_both(world: World) -> None:
    """Exit code 21: a person has to look, knowing what failed first and what could not be put back."""
    log: list[str] = []
    stuck = ReleaseFailed("scale", "throttled", details=("task stopped",))

    report = run(world, *changed(log, GateFailed("smoke", "404"), undo_error=stuck))

    assert (Verdict.FAILED, 21) == (report.verdict, code(report))
    assert "put back what deploy changed: throttled (first failure: 404)" == report.reason
    assert report.error is not None
    assert (("task stopped",), stuck) == (report.error.details, report.error.__cause__)
    assert [Status.FAILED, Status.UNDONE, Status.FAILED] == [r.status for r in report.results]


def test_a_failed_undo_does_not_undo_what_it_leans_on(world: World) -> None:
    """What was done first stays, since what came later still needs it; what is held is given back all the same."""
    log: list[str] = []
    stages = (
        examples.stage("backend", log=log),
        examples.stage("frontend", "backend", log=log, undo_error=ReleaseFailed("scale", "throttled")),
        examples.stage("smoke", "frontend", log=log, error=GateFailed("smoke", "404")),
    )

    run(world, *stages)

    assert ["undo frontend", "close frontend", "close backend"] == log[3:]


def test_a_bug_is_undone_told_to_the_ledger_and_raised(world: World) -> None:
    """A traceback for our mistake, but not at the users' cost, and not with a record that never ends."""
    log: list[str] = []
    reports: list[Report] = []

    def finish(report: Report) -> Report:
        reports.append(report)
        return report

    with pytest.raises(KeyError, match="oops"):
        run(world, *changed(log, KeyError("oops")), finish=finish)

    assert ["undo shift", "undo deploy", "close shift", "close deploy"] == log[3:]
    told = [(report.verdict, report.reason) for report in reports]
    assert [(Verdict.ROLLED_BACK, "run to the end: KeyError('oops')")] == told


def test_a_bug_before_any_change_is_not_told_as_rolled_back(world: World) -> None:
    """Nothing was changed, so nothing was put back."""
    verdicts: list[Verdict] = []

    def finish(report: Report) -> Report:
        verdicts.append(report.verdict)
        return report

    with pytest.raises(KeyError):
        run(world, unable(KeyError("oops")), finish=finish)

    assert [Verdict.FAILED] == verdicts


def test_a_bug_in_undo_is_uncertain_and_keeps_both_tracebacks(world: World) -> None:
    """Paging someone matters more than the class of the exception, and the developer still sees where."""
    report = run(world, *changed([], KeyError("oops"), undo_error=IndexError("worse")))

    assert 21 == code(report)
    assert report.error is not None
    details = "\n".join(report.error.details)
    assert ("KeyError: 'oops'" in details, "IndexError: worse" in details, "raise error" in details) == (
        True,
        True,
        True,
    )


def test_learning_what_a_release_has_not_is_a_bug_and_undone(world: World) -> None:
    """The stage did its work before we found out that it speaks nonsense."""
    log: list[str] = []

    with pytest.raises(TypeError, match="colour"):
        run(world, examples.stage("deploy", log=log, learned={"colour": "blue"}))

    assert ["deploy", "undo deploy", "close deploy"] == log


def test_a_listener_s_bug_does_not_keep_a_change_in_place(world: World) -> None:
    """Whatever breaks in our own thread, what was done is undone first."""
    log: list[str] = []

    class Deaf(Heard):
        def started(self, stage: str) -> None:
            if stage == "shift":
                raise RuntimeError("deaf")

    with pytest.raises(RuntimeError, match="deaf"):
        execute(changed(log, KeyError("never")), examples.release(), world, Deaf(), Stop())

    assert ["deploy", "undo deploy", "close deploy"] == log


def test_undoing_is_shielded(fakes: Fakes, world: World) -> None:
    """Waits of putting back run to their end although the run was asked to stop."""
    during: list[bool] = []

    def undo(_: Release, __: Outcome, ___: World) -> None:
        during.append(fakes.clock.shielded)

    run(
        world,
        Stage("deploy", (), lambda _, __: Outcome(), undo),
        examples.stage("smoke", "deploy", log=[], error=GateFailed("smoke", "404")),
    )

    assert [True] == during


def test_a_full_disk_is_no_bug(world: World) -> None:
    """Whatever a stage writes: one message and exit code 30, and what was done is undone."""
    undone: list[str] = []
    full = OSError(errno.ENOSPC, "No space left on device", "/there/build.log")
    stages = (
        Stage("deploy", (), lambda _, __: Outcome(), lambda *_: undone.append("deploy")),
        examples.stage("smoke", "deploy", log=[], error=full),
    )

    report = run(world, *stages)

    assert ["deploy"] == undone
    assert (Verdict.ROLLED_BACK, "use /there/build.log: no space left on device") == (report.verdict, report.reason)


def test_a_full_disk_before_any_change(world: World) -> None:
    """Nothing was done, so nothing is undone."""
    full = OSError(errno.ENOSPC, "No space left on device", "/there/build.log")

    report = run(world, examples.stage("build", log=[], error=full))

    assert (Verdict.FAILED, 30) == (report.verdict, code(report))


def test_a_bug_in_the_final_stage_does_not_undo_a_proven_release(world: World) -> None:
    """What undoing would lead back to may be gone: the ledger has it as good, and the bug is raised all the same."""
    log: list[str] = []
    reports: list[Report] = []
    final = replace(examples.stage("retire", "deploy", log=log, error=KeyError("oops")), final=True)

    def finish(report: Report) -> Report:
        reports.append(report)
        return report

    with pytest.raises(KeyError, match="oops"):
        run(world, examples.stage("deploy", log=log), final, finish=finish)

    assert ["deploy", "retire", "close deploy"] == log
    assert [(Verdict.GOOD, None)] == [(report.verdict, report.error) for report in reports]
    assert [Status.OK, Status.FAILED] == [result.status for result in reports[0].results]


def test_a_listener_s_bug_in_the_final_stage_lets_it_finish(world: World) -> None:
    """Nor is it told to stop half way."""
    stop = Stop()

    class Deaf(Heard):
        def ended(self, result: StageResult) -> None:
            if result.name == "retire":
                raise RuntimeError("deaf")

    log: list[str] = []
    final = replace(examples.stage("retire", "deploy", log=log), final=True)
    with pytest.raises(RuntimeError, match="deaf"):
        execute((examples.stage("deploy", log=log), final), examples.release(), world, Deaf(), stop)

    assert (["deploy", "retire", "close retire", "close deploy"], False) == (log, stop.event.is_set())


@pytest.mark.parametrize("error", [Unreachable("read ECS", "throttled"), KeyError("oops")])
def test_a_recovery_that_fails_leaves_its_page_open(fakes: Fakes, world: World, error: Exception) -> None:
    """The lease is given back, the work is not done: the reconciler and the next command have to see that."""
    dead = Page.of(examples.release(), fakes.lease.acquire("ana", "dev-1").fencing, fakes.lease.now())
    fakes.pages.page = replace(dead, entries=(Entry(1, "set_weights", "green 10%", fakes.lease.now()),))
    fakes.lease.expire()
    fakes.ledger.fail("history", error)
    with suppress(KeyError):
        run(world, lock.STAGE)

    page = fakes.pages.page
    assert page is not None
    assert (True, "dev-20260304T050607Z-0123456", None) == (page.open, page.recovers, fakes.lease.holder())
