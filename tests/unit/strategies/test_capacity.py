"""Neither color shrinks while both have visitors, and what is kept for that is given back afterwards."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from deployer.errors import RolledBack, StateUncertain, Unreachable
from deployer.model import SERVICES
from deployer.ports import World
from deployer.strategies import blue_green, capacity
from tests import examples
from tests.fakes import Fakes
from tests.unit.strategies.test_blue_green import BLUE, ENVIRONMENT, GREEN, NEW, OLD


@pytest.fixture
def fakes() -> Fakes:
    """OLD serves in blue with three tasks a service, in an environment that scales between one and four."""
    fakes = Fakes(environment=ENVIRONMENT)
    fakes.infrastructure.topology_or_none = examples.SCALED
    fakes.compute.serve(OLD, BLUE, count=3)
    return fakes


@pytest.fixture
def world(fakes: Fakes, tmp_path: Path) -> World:
    """The ports of that environment."""
    return fakes.world(tmp_path)


def kept(fakes: Fakes) -> list[tuple[object, ...]]:
    """Color and fewest of each call, in order, once for both services."""
    calls = fakes.compute.called("keep")
    assert {call[0] for call in calls} <= set(SERVICES)
    assert not len(calls) % len(SERVICES)
    return [call[1:] for call in calls[:: len(SERVICES)]]


def test_both_colors_keep_what_serves_until_the_old_one_goes(fakes: Fakes, world: World) -> None:
    """A tenth of the visitors looks idle to autoscaling, and the old color may get everybody back."""
    outcome = blue_green.run(NEW, world)
    assert [(BLUE, 3), (GREEN, 3)] == kept(fakes)
    assert dict.fromkeys(SERVICES, 3) == outcome.learned["counts"]

    blue_green.retire(NEW, world)
    assert [(BLUE, 3), (GREEN, 3), (GREEN, 1)] == kept(fakes)


def test_the_new_color_is_kept_before_its_first_visitor(fakes: Fakes, world: World) -> None:
    """Its limits are asked for before any weight."""
    fakes.compute.fail("keep", Unreachable("keep", "no answer"), "backend", GREEN)
    with pytest.raises(RolledBack):
        blue_green.run(NEW, world)

    assert [] == fakes.traffic.called("set_weights")


def test_a_failed_release_gives_the_old_color_its_freedom_back(fakes: Fakes, world: World) -> None:
    """And asks nothing for the color that is idle again: scaling it down has shut it."""
    fakes.traffic.states["frontend", GREEN] = "unhealthy"
    with pytest.raises(RolledBack):
        blue_green.run(NEW, world)

    assert (BLUE, 1) == kept(fakes)[-1]
    assert 2 == len([call for call in fakes.compute.called("keep") if call[1] is GREEN])


def test_a_first_release_that_fails_wakes_no_idle_color(world: World) -> None:
    """Nothing served before, so nothing is kept."""
    fakes = Fakes(environment=ENVIRONMENT)
    fakes.infrastructure.topology_or_none = examples.SCALED
    fakes.traffic.states["frontend", BLUE] = "unhealthy"
    with pytest.raises(RolledBack):
        blue_green.run(replace(NEW, color=BLUE), fakes.world(world.logs))

    assert {BLUE} == {call[1] for call in fakes.compute.called("keep")}


def test_what_a_dead_run_has_kept_is_freed(fakes: Fakes, world: World) -> None:
    """The reconciler ends the split and lets the color that serves shrink again."""
    blue_green.settle(world)

    assert [(BLUE, 1)] == kept(fakes)


def test_a_freedom_that_cannot_be_given_is_told_and_stands(fakes: Fakes, world: World) -> None:
    """Too many tasks cost money; a good release is not taken back for that. A lost lease is another matter."""
    fakes.compute.fail("keep", Unreachable("keep", "no answer"), "frontend")
    capacity.free(BLUE, world)
    assert "frontend blue may not shrink until the next release: no answer" in fakes.said

    fakes.compute.fail("keep", StateUncertain("keep", "the lease was lost"), "frontend")
    with pytest.raises(StateUncertain):
        capacity.free(BLUE, world)


def test_where_nothing_scales_nothing_is_asked(fakes: Fakes, world: World) -> None:
    """No call and no step of the journal on the local cloud."""
    fakes.infrastructure.topology_or_none = examples.TOPOLOGY
    blue_green.run(NEW, world)
    blue_green.retire(NEW, world)

    assert [] == fakes.compute.called("keep")
