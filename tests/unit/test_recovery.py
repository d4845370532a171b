"""recovery: wherever a run is cut off, the next command ends with one proven release, and says what it did."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import product
from pathlib import Path

import pytest

from deployer import journal, pipelines
from deployer.journal import Point
from deployer.journal_page import Page
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


def judge(fakes: Fakes, allowed: set[str]) -> None:
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
    kept = {
        arn for record in records.values() if record.outcome is Verdict.GOOD for arn in record.task_definitions.values()
    }
    known = {arn for arn in fakes.compute._known if arn not in fakes.compute.deregistered}
    assert set() == known - kept - {revision.task_definition for revision in live}


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
