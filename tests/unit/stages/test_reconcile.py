"""reconcile: nobody came back, and visitors still end with what is known good."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from deployer import pipelines
from deployer.errors import Locked
from deployer.journal_page import Entry, Page
from deployer.model import SERVICES, Color, Record, Verdict
from deployer.pipeline import Report, Stop, execute
from deployer.ports import World
from tests import examples
from tests.fakes import Fakes, Heard

BLUE, GREEN = Color.BLUE, Color.GREEN
GOOD = examples.release()
NEW = replace(GOOD, id="dev-20260305T000000Z-fffffff", commit="f" * 40)


@pytest.fixture
def fakes() -> Fakes:
    """GOOD serves in blue; NEW has come up in green and was never proven."""
    fakes = Fakes(environment=replace(examples.ENVIRONMENT, strategy="blue_green"))
    fakes.compute.serve(GOOD, BLUE)
    fakes.compute.serve(NEW, GREEN)
    fakes.ledger.records = {GOOD.id: Record.of(GOOD, Verdict.GOOD), NEW.id: Record.of(NEW)}
    return fakes


@pytest.fixture
def world(fakes: Fakes, tmp_path: Path) -> World:
    """The ports of that environment."""
    return fakes.world(tmp_path)


def reconcile(world: World) -> Report:
    """`inv reconcile`."""
    return execute(pipelines.RECONCILE, GOOD, world, Heard(), Stop())


@pytest.mark.parametrize("share", [0, 10, 50, 100])
def test_the_good_color_gets_all_traffic_and_the_other_one_is_idle(fakes: Fakes, world: World, share: int) -> None:
    """Wherever the run was cut off; a second look finds nothing to do."""
    fakes.traffic.split = {BLUE: 100 - share, GREEN: share}
    fakes.traffic.tested = BLUE

    assert Verdict.GOOD is reconcile(world).verdict
    assert ({BLUE: 100, GREEN: 0}, GREEN) == (fakes.traffic.split, fakes.traffic.tested)
    assert [1, 1, 0, 0] == [fakes.compute.live(s, c).running for c in Color for s in SERVICES]
    assert "nothing was left behind" in reconcile(world).results[-1].note


def test_a_run_that_lives_is_left_alone(fakes: Fakes, world: World) -> None:
    """Exit 40: its lease has not expired."""
    fakes.traffic.split = {BLUE: 50, GREEN: 50}
    fakes.lease.lose("ann")

    assert Locked is type(reconcile(world).error)
    assert {BLUE: 50, GREEN: 50} == fakes.traffic.split


def test_an_environment_that_was_never_deployed_has_nothing_to_settle(fakes: Fakes, world: World) -> None:
    """No color is scaled, nothing is pointed anywhere."""
    fakes.compute.told.clear()

    assert Verdict.GOOD is reconcile(world).verdict
    assert ([], []) == (fakes.compute.called("scale"), fakes.traffic.called("point_test"))


def test_a_rolling_environment_ends_with_what_is_known_good(fakes: Fakes, world: World) -> None:
    """ECS may have completed what nobody proved."""
    rolling = replace(world, environment=examples.ENVIRONMENT)
    good = {s: fakes.compute.live(s, BLUE).task_definition or "" for s in SERVICES}
    fakes.ledger.records[GOOD.id] = Record.of(replace(GOOD, task_definitions=good), Verdict.GOOD)
    fakes.compute.serve(NEW, BLUE)

    assert Verdict.GOOD is reconcile(rolling).verdict
    assert {GOOD.id} == {fakes.compute.live(s, BLUE).release for s in SERVICES}


def test_what_was_put_right_with_the_lease_is_not_done_twice(fakes: Fakes, world: World) -> None:
    """The stage lock found the dead run's page; what it did is in its note."""
    fakes.traffic.split = {BLUE: 50, GREEN: 50}
    entry = Entry(1, "set_weights", "blue 50%, green 50%", examples.NOW)
    fakes.pages.page = replace(Page.of(NEW, 0, examples.NOW), entries=(entry,))
    lock, stage = reconcile(world).results

    assert "all traffic to blue" in lock.note
    assert f"{NEW.id} is written down as interrupted" in lock.note
    assert "it was put right when the lease was taken" == stage.note
    assert 1 == len(fakes.ledger.called("history"))
