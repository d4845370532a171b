"""recovery: wherever a run is cut off, the next command ends with one proven release, and says what it did."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import product
from pathlib import Path

import pytest

from deployer import journal, pipelines
from deployer.errors import GateFailed, Locked, StateUncertain, Undecided
from deployer.journal import Point
from deployer.journal_page import Entry, Page
from deployer.model import SERVICES, Color, Environment, Image, Record, Release, Step, Verdict
from deployer.pipeline import Report, Stop, execute
from deployer.stage import Stage
from tests import examples
from tests.fakes import Fakes, Heard, Killed, digest

BLUE, GREEN = Color.BLUE, Color.GREEN
ROLLING = examples.ENVIRONMENT
BLUE_GREEN = replace(ROLLING, strategy="blue_green", steps=(Step(10, 2), Step(50, 2), Step(100, 2)))
OLDER = replace(
    examples.release(examples.NOW - timedelta(hours=1), "e" * 40),
    images={name: Image(name, f"indivillage/{name}", f"sha256:{digest('older', name)}") for name in SERVICES},
)
OLD = examples.release()
NEW = examples.release(examples.NOW + timedelta(hours=1), "f" * 40)
LATER = examples.release(examples.NOW + timedelta(hours=2), "d" * 40)
MOST_STEPS = 30


def served(environment: Environment) -> Fakes:
    """OLD serves in blue, OLDER was before it; both are known good, and the journal of OLD has been closed."""
    fakes = Fakes(environment=environment)
    for release in (OLDER, OLD):
        arns = fakes.compute.serve(release, BLUE)
        images = release.images or {
            n: Image(n, f"indivillage/{n}", fakes.compute.live(n, BLUE).digest) for n in SERVICES
        }
        known = replace(release, task_definitions=arns, images=images)
        fakes.ledger.records[release.id] = Record.of(known, Verdict.GOOD)
        fakes.registry.digests |= {(image.repository, image.digest) for image in images.values()}
    fakes.pages.page = replace(Page.of(OLD, 0, examples.NOW), ended_at=examples.NOW, outcome=Verdict.GOOD)
    return fakes


def take(fakes: Fakes, stages: tuple[Stage, ...], release: Release, logs: Path) -> Report:
    """One command from lock to the ledger's last word."""
    world = fakes.world(logs)

    def write_down(report: Report) -> Report:
        if any(result.name == "record" for result in report.results):
            world.ledger.write(Record.of(report.release, report.verdict))
        return report

    return execute(stages, release, world, Heard(), Stop(), write_down)


def cut(fakes: Fakes, monkeypatch: pytest.MonkeyPatch, step: int, point: Point) -> list[int]:
    """Kill the run at `point` of its step number `step`; returns the steps that it came to."""
    seen: list[int] = []

    def passed(number: int, where: Point) -> None:
        seen.append(number)
        if (number, where) == (step, point):
            fakes.kill()
            raise Killed

    monkeypatch.setattr(journal, "passed", passed)
    return seen


def killed(fakes: Fakes, monkeypatch: pytest.MonkeyPatch, at: tuple[int, Point], run: Callable[[], Report]) -> bool:
    """Whether `run` came as far as `at` and was killed there; then another process may come."""
    with monkeypatch.context() as patch:
        cut(fakes, patch, *at)
        try:
            run()
        except Killed:
            fakes.restart()
            return True
    return False


def judge(fakes: Fakes, allowed: set[str], *, tidy: bool = True) -> None:
    """One release of `allowed` serves, alone, and nothing is left of the run that was cut off."""
    public = max(fakes.traffic.split, key=lambda color: fakes.traffic.split[color])
    live = [fakes.compute.live(service, public) for service in SERVICES]
    idle = [fakes.compute.live(service, public.other) for service in SERVICES]
    serving = {revision.release for revision in live}
    records = fakes.ledger.records

    assert {public: 100, public.other: 0} == fakes.traffic.split
    assert (1, True) == (len(serving), serving <= allowed), serving
    assert [("COMPLETED", 1)] * 2 == [(revision.rollout, revision.running) for revision in live]
    assert [0, 0] == [revision.desired for revision in idle]
    assert Verdict.GOOD is records[serving.pop()].outcome
    assert [] == [name for name, record in records.items() if record.outcome is None]
    assert fakes.pages.page is not None
    assert not fakes.pages.page.open
    good = {
        arn for record in records.values() if record.outcome is Verdict.GOOD for arn in record.task_definitions.values()
    }
    of_dead = tuple(arn for service in SERVICES for arn in fakes.compute.registered(service, {NEW.id}))
    assert set() == set(of_dead) - good - ({revision.task_definition for revision in live} if tidy else set(of_dead))


STEPS = [(step, point) for step, point in product(range(1, MOST_STEPS), Point)]


both = pytest.mark.parametrize("environment", [ROLLING, BLUE_GREEN], ids=["rolling", "blue_green"])


@both
def test_a_deploy_cut_off_anywhere_is_put_right(
    environment: Environment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At every step, before the call, after it, and after the journal; by the reconciler."""
    reached = 0
    for at in STEPS:
        fakes = served(environment)
        if not killed(fakes, monkeypatch, at, lambda: take(fakes, pipelines.DEPLOY_ANEW, NEW, tmp_path)):  # noqa: B023
            break
        reached += 1
        report = take(fakes, pipelines.RECONCILE, LATER, tmp_path)

        assert (Verdict.GOOD, None) == (report.verdict, report.error), at
        judge(fakes, {OLD.id, NEW.id})
    assert reached >= 3 * 7


@both
def test_the_next_deploy_puts_it_right_by_itself(
    environment: Environment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody has to know of `inv reconcile`; what it did is said."""
    for at in STEPS:
        fakes = served(environment)
        if not killed(fakes, monkeypatch, at, lambda: take(fakes, pipelines.DEPLOY_ANEW, NEW, tmp_path)):  # noqa: B023
            break
        report = take(fakes, pipelines.DEPLOY_ANEW, LATER, tmp_path)

        assert (Verdict.GOOD, None) == (report.verdict, report.error), at
        judge(fakes, {LATER.id})


@both
def test_a_rollback_cut_off_anywhere_is_put_right(
    environment: Environment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Either release is good; one of them serves alone."""
    reached = 0
    for at in STEPS:
        fakes = served(environment)
        older = fakes.ledger.records[OLDER.id]
        arns = older.task_definitions if environment is ROLLING else {}
        back = replace(NEW, kind="rollback", restores=OLDER.id, images=OLDER.images, task_definitions=arns)
        if not killed(fakes, monkeypatch, at, lambda: take(fakes, pipelines.ROLLBACK, back, tmp_path)):  # noqa: B023
            break
        reached += 1
        report = take(fakes, pipelines.RECONCILE, LATER, tmp_path)

        assert (Verdict.GOOD, None) == (report.verdict, report.error), at
        judge(fakes, {OLD.id, OLDER.id})
    assert reached >= 3 * 3


@both
def test_a_recovery_cut_off_anywhere_is_taken_up_by_the_next(
    environment: Environment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the dead run had found outlives the one that died putting it right."""
    recovered = 0
    for first in STEPS[2:21:4]:
        for second in STEPS:
            fakes = served(environment)
            killed(fakes, monkeypatch, first, lambda: take(fakes, pipelines.DEPLOY_ANEW, NEW, tmp_path))  # noqa: B023
            if not killed(fakes, monkeypatch, second, lambda: take(fakes, pipelines.RECONCILE, LATER, tmp_path)):  # noqa: B023
                break
            recovered += 1
            report = take(fakes, pipelines.RECONCILE, LATER, tmp_path)

            assert (Verdict.GOOD, None) == (report.verdict, report.error), (first, second)
            judge(fakes, {OLD.id, NEW.id})
    assert recovered >= 3 * 5


@both
@pytest.mark.parametrize("left", ["damaged", "gone"])
def test_without_its_journal_a_run_is_put_right_by_what_the_cloud_says(
    environment: Environment, left: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever it was cut off, and whatever became of the object since."""
    for at in STEPS:
        fakes = served(environment)
        fakes.lease.acquire("somebody before", OLD.id)
        fakes.lease.expire()
        if not killed(fakes, monkeypatch, at, lambda: take(fakes, pipelines.DEPLOY_ANEW, NEW, tmp_path)):  # noqa: B023
            break
        damaged = Page("", "", "", 2, examples.NOW, damage="journal.json cannot be read (cut)")
        fakes.pages.page = damaged if left == "damaged" else None
        report = take(fakes, pipelines.RECONCILE, LATER, tmp_path)

        assert (Verdict.GOOD, None) == (report.verdict, report.error), at
        judge(fakes, {OLD.id, NEW.id})


@both
def test_without_the_live_release_s_record_it_is_proven_again(
    environment: Environment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What ran before is in the journal, what runs in ECS: its record is rebuilt from that."""
    for at in STEPS:
        fakes = served(environment)
        if not killed(fakes, monkeypatch, at, lambda: take(fakes, pipelines.DEPLOY_ANEW, NEW, tmp_path)):  # noqa: B023
            break
        del fakes.ledger.records[OLD.id]
        report = take(fakes, pipelines.RECONCILE, LATER, tmp_path)

        assert (Verdict.GOOD, None) == (report.verdict, report.error), at
        judge(fakes, {OLD.id, NEW.id, OLDER.id})


@both
def test_an_environment_whose_first_release_was_cut_off_can_be_deployed(
    environment: Environment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is known good: what came up is proven or replaced."""
    for at in STEPS:
        fakes = Fakes(environment=environment)
        if not killed(fakes, monkeypatch, at, lambda: take(fakes, pipelines.DEPLOY_ANEW, NEW, tmp_path)):  # noqa: B023
            break
        report = take(fakes, pipelines.DEPLOY_ANEW, LATER, tmp_path)

        assert (Verdict.GOOD, None) == (report.verdict, report.error), at
        # What came up and had nothing before it ran until LATER took its place.
        judge(fakes, {LATER.id}, tidy=False)


def test_a_record_that_was_lost_while_nobody_was_at_work_is_noticed(tmp_path: Path) -> None:
    """The journal names the last release: its record has to be there, whole and ended."""
    fakes = served(BLUE_GREEN)
    assert Verdict.GOOD is take(fakes, pipelines.DEPLOY_ANEW, NEW, tmp_path).verdict
    whole = fakes.ledger.records.pop(NEW.id)
    world = fakes.world(tmp_path)
    execute(pipelines.RECONCILE[:1], LATER, world, Heard(), Stop())
    rebuilt = fakes.ledger.records[NEW.id]

    assert (Verdict.GOOD, whole.commit, whole.task_definitions) == (
        rebuilt.outcome,
        rebuilt.commit,
        rebuilt.task_definitions,
    )
    assert (NEW.started_at, whole.digests) == (rebuilt.started_at, rebuilt.digests)


def test_what_serves_and_fails_its_proof_is_not_called_good(tmp_path: Path) -> None:
    """Nothing better is there: it stays, and people are told."""
    fakes = served(BLUE_GREEN)
    fakes.ledger.records.clear()
    fakes.probe.fail("smoke", GateFailed("smoke", "GET / was 404"), times=2)
    report = take(fakes, pipelines.RECONCILE, LATER, tmp_path)

    assert "is not proven: GET / was 404" in report.results[-1].note
    assert {} == fakes.ledger.records
    assert {BLUE: 100, GREEN: 0} == fakes.traffic.split


@pytest.mark.parametrize("running", [2, 4])
def test_what_was_brought_up_has_to_run_before_it_is_called_good(tmp_path: Path, running: int) -> None:
    """Also where autoscaling owns the count: two tasks of four that nobody has seen run may have died."""
    fakes = served(BLUE_GREEN)
    fakes.infrastructure.topology_or_none = examples.SCALED
    fakes.ledger.records.clear()
    backend = fakes.compute.live("backend", BLUE)
    fakes.compute.told["backend", BLUE] = replace(backend, desired=4, running=running)
    report = take(fakes, pipelines.RECONCILE, LATER, tmp_path)

    doubted = "is not proven: backend is COMPLETED, 2 of 4 tasks run" in report.results[-1].note
    assert (running == 2, running == 4) == (doubted, OLD.id in fakes.ledger.records)


def test_a_run_that_lives_is_not_recovered(tmp_path: Path) -> None:
    """Its lease is held: exit 40 before anything is looked at."""
    fakes = served(BLUE_GREEN)
    fakes.lease.lose("ann")
    report = take(fakes, pipelines.RECONCILE, LATER, tmp_path)

    assert Locked is type(report.error)
    assert [] == fakes.pages.called("read")


def test_what_nobody_can_settle_stays_for_the_next(tmp_path: Path) -> None:
    """Exit 21; the lease is free again and the page still open."""
    fakes = served(BLUE_GREEN)
    fakes.compute.serve(NEW, GREEN)
    fakes.ledger.records.clear()
    fakes.traffic.split = {BLUE: 50, GREEN: 50}
    fakes.pages.page = Page("", "", "", 0, examples.NOW, damage="cut")
    report = take(fakes, pipelines.RECONCILE, LATER, tmp_path)

    assert Undecided is type(report.error)
    assert fakes.lease.holder() is None
    assert fakes.pages.page is not None
    assert fakes.pages.page.open


def test_a_split_that_cannot_be_ended_is_told_at_once(tmp_path: Path) -> None:
    """Not taken for a question of which color is good, and the ledger is not read before visitors are."""
    fakes = served(BLUE_GREEN)
    fakes.compute.serve(NEW, GREEN)
    fakes.traffic.split = {BLUE: 50, GREEN: 50}
    fakes.pages.page = Page(NEW.id, "deploy", "ana", 0, examples.NOW, entries=(Entry(1, "x", "y", examples.NOW),))
    fakes.traffic.fail("set_weights", StateUncertain("shift", "somebody else changes it"))
    report = take(fakes, pipelines.RECONCILE, LATER, tmp_path)

    assert report.error is not None
    assert ("somebody else changes it", []) == (report.error.seen, fakes.ledger.called("history"))


def test_what_was_good_and_does_not_come_up_keeps_no_release_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its image may be gone: `inv reconcile` says so with exit 20, a deploy goes on and mends it."""
    for step in range(1, MOST_STEPS):
        fakes = served(ROLLING)
        at = (step, Point.AFTER_CALL)
        assert killed(fakes, monkeypatch, at, lambda: take(fakes, pipelines.DEPLOY_ANEW, NEW, tmp_path))  # noqa: B023
        assert fakes.pages.page is not None
        if fakes.pages.page.entries[-1].call == "roll_out":
            break
    fakes.compute.crashing.add(fakes.ledger.records[OLD.id].digests["backend"])
    report = take(fakes, pipelines.RECONCILE, LATER, tmp_path)
    assert (20, "reconcile") == (report.error and report.error.exit_code, report.results[-1].name)

    assert Verdict.GOOD is take(fakes, pipelines.DEPLOY_ANEW, LATER, tmp_path).verdict
    judge(fakes, {LATER.id}, tidy=False)


def test_visitors_are_back_before_anything_else_and_a_rollback_then_only_proves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed in its bake with all traffic; the release that is asked for serves as soon as the lease is taken."""
    fakes = served(BLUE_GREEN)
    for at in STEPS:
        fakes = served(BLUE_GREEN)
        assert killed(fakes, monkeypatch, at, lambda: take(fakes, pipelines.DEPLOY_ANEW, NEW, tmp_path))  # noqa: B023
        if fakes.traffic.split[GREEN] == 100:
            break
    for part in (fakes.compute, fakes.traffic, fakes.ledger):
        part.calls.clear()
    order: list[str] = []
    weigh, read = fakes.traffic.set_weights, fakes.ledger.history
    monkeypatch.setattr(fakes.traffic, "set_weights", lambda w: (order.append("weights"), weigh(w))[1])
    monkeypatch.setattr(fakes.ledger, "history", lambda: (order.append("history"), read())[1])
    old = fakes.ledger.records[OLD.id]
    images = {name: Image(name, f"indivillage/{name}", digest) for name, digest in old.digests.items()}
    back = replace(LATER, kind="rollback", restores=OLD.id, images=images)
    report = take(fakes, pipelines.ROLLBACK, back, tmp_path)

    assert (Verdict.GOOD, OLD.id) == (report.verdict, report.release.already)
    assert ["weights", "history"] == order
    assert ([], [(OLD.id,)]) == (fakes.compute.called("roll_out"), fakes.probe.called("smoke")[-1:])
    judge(fakes, {OLD.id})
