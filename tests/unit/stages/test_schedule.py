"""schedule: who puts visitors back when nobody comes back is this commit's deployer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from deployer import pipelines
from deployer.errors import InputError, StateUncertain, Unreachable
from deployer.model import DEPLOYER, Release, Status
from deployer.pipeline import Stop, execute
from deployer.ports import World
from deployer.stages import build, schedule
from tests import examples
from tests.fakes import Fakes, Heard

TAGS = (examples.COMMIT[:7], "dev-latest")


@pytest.fixture
def fakes() -> Fakes:
    """An environment of two colors."""
    return Fakes(environment=replace(examples.ENVIRONMENT, strategy="blue_green"))


@pytest.fixture
def world(fakes: Fakes, tmp_path: Path) -> World:
    """Its ports."""
    return fakes.world(tmp_path)


def built(world: World) -> Release:
    """A release whose images are in the local engine."""
    learned = build.run(examples.release(), world).learned["built"]
    assert isinstance(learned, dict)
    return replace(examples.release(), built=learned)


def test_the_deployers_image_is_pushed_and_scheduled_by_digest(fakes: Fakes, world: World) -> None:
    """Under the name of its content; it is no image of the release."""
    release = built(world)

    outcome = schedule.run(release, world)

    assert [(DEPLOYER, "indivillage/deployer", TAGS)] == fakes.registry.called("push")
    pushed = fakes.registry.tags["indivillage/deployer", "dev-latest"]
    assert [(f"registry.test/indivillage/deployer@{pushed.digest}",)] == fakes.compute.called("schedule")
    assert (f"deployer {pushed.digest[:19]}", Status.OK, {}) == (outcome.note, outcome.status, outcome.learned)


def test_the_same_image_again_changes_nothing(world: World) -> None:
    """And says so."""
    release = built(world)
    schedule.run(release, world)

    assert Status.CACHED is schedule.run(release, world).status


def test_one_color_needs_none(fakes: Fakes, world: World) -> None:
    """Its image is not even built."""
    rolling = replace(world, environment=examples.ENVIRONMENT)
    release = built(rolling)

    assert Status.SKIPPED is schedule.run(release, rolling).status
    assert {"backend", "frontend"} == set(release.built)
    assert ([], []) == (fakes.registry.calls, fakes.compute.calls)


def test_a_topology_without_a_reconciler_is_told(fakes: Fakes, world: World) -> None:
    """It was applied from an older checkout."""
    fakes.infrastructure.topology_or_none = replace(examples.TOPOLOGY, reconciler=None)

    with pytest.raises(InputError, match="names no reconciler"):
        schedule.run(built(world), world)


def test_who_lost_the_lease_schedules_nothing(fakes: Fakes, world: World) -> None:
    """Whoever took it owns the environment."""
    release = built(world)
    fakes.lease.acquire("me", release.id)
    fakes.lease.lose("ann")

    with pytest.raises(StateUncertain):
        schedule.run(release, world)

    assert [] == fakes.compute.called("schedule")


def test_no_visitor_is_moved_before_it_stands(fakes: Fakes, world: World) -> None:
    """A deploy whose reconciler cannot be scheduled ends before its color comes up."""
    fakes.compute.fail("schedule", Unreachable("schedule the reconciler", "no answer"))

    report = execute(pipelines.DEPLOY_ANEW, examples.release(), world, Heard(), Stop())

    assert Unreachable is type(report.error)
    assert ([], []) == (fakes.compute.called("roll_out"), fakes.traffic.called("set_weights"))
