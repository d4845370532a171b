"""apply: exactly the plan that was saved, under the lease, or nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from deployer.errors import GateFailed, InputError, ReleaseFailed, StateUncertain
from deployer.model import Change, Plan, Release, Status
from deployer.ports import World
from deployer.stages import apply, plan
from tests import examples
from tests.fakes import Fakes

CHANGES = (Change("create", "aws_lb.public"),)


def planned(fakes: Fakes, world: World, changes: tuple[Change, ...] = CHANGES) -> Release:
    """A release whose plan holds `changes`."""
    fakes.infrastructure.changes = changes
    plan.run(examples.release(), world)
    return replace(examples.release(), plan=fakes.infrastructure.planned)


def test_the_release_s_own_plan_is_applied(fakes: Fakes, world: World) -> None:
    """Not another one, and not a fresh one."""
    release = planned(fakes, world)

    outcome = apply.run(release, world)

    assert [(release.plan,)] == fakes.infrastructure.called("apply")
    assert ("1 create", Status.OK) == (outcome.note, outcome.status)


def test_an_empty_plan_is_skipped(fakes: Fakes, world: World) -> None:
    """Terraform is not even started."""
    outcome = apply.run(planned(fakes, world, ()), world)

    assert ([], Status.SKIPPED) == (fakes.infrastructure.called("apply"), outcome.status)


def test_without_a_plan_it_refuses(fakes: Fakes, world: World) -> None:
    """Exit code 2, and how to get one."""
    with pytest.raises(InputError) as caught:
        apply.run(examples.release(), world)

    assert ("there is none", []) == (caught.value.seen, fakes.infrastructure.calls)
    assert "inv plan" in caught.value.hint


def test_a_plan_that_is_not_the_saved_one_is_refused(fakes: Fakes, world: World) -> None:
    """What was shown is what is applied."""
    release = planned(fakes, world)
    planned(fakes, world, (Change("delete", "aws_db_instance.main"),))

    with pytest.raises(ReleaseFailed, match="not the one that was saved"):
        apply.run(release, world)


def test_a_lost_lease_stops_it(fakes: Fakes, world: World) -> None:
    """Somebody else may be applying now."""
    release = planned(fakes, world)
    fakes.lease.acquire("us", release.id)
    fakes.lease.lose("them")

    with pytest.raises(StateUncertain):
        apply.run(release, world)

    assert [] == fakes.infrastructure.called("apply")


def test_a_plan_of_another_commit_is_refused(fakes: Fakes, world: World) -> None:
    """Exit code 10, naming both: what was judged is not what this checkout says."""
    release = replace(planned(fakes, world), commit="f" * 40)

    with pytest.raises(GateFailed, match=f"of commit {examples.COMMIT[:12]}, and this is ffffffffffff") as caught:
        apply.run(release, world)

    assert ([], 10) == (fakes.infrastructure.called("apply"), caught.value.exit_code)


@pytest.mark.parametrize(("minutes", "fresh"), [(-1, True), (59, True), (60, True), (61, False), (-61, False)])
def test_a_plan_is_applied_while_it_is_fresh(fakes: Fakes, world: World, minutes: int, fresh: bool) -> None:
    """For an hour; a plan that claims to be of the future is as good as an old one."""
    release = planned(fakes, world)
    assert release.plan is not None
    made = fakes.clock.now() - timedelta(minutes=minutes)
    fakes.infrastructure.planned = aged = replace(release.plan, planned_at=made)

    if fresh:
        apply.run(replace(release, plan=aged), world)
    else:
        with pytest.raises(GateFailed, match="more than 60 minutes from now"):
            apply.run(replace(release, plan=aged), world)

    assert fresh is bool(fakes.infrastructure.called("apply"))


def test_a_plan_of_unknown_age_is_refused(fakes: Fakes, world: World) -> None:
    """Nobody can call it fresh."""
    release = planned(fakes, world)
    assert release.plan is not None
    undated = Plan(release.plan.path, release.plan.sha256, CHANGES, None, release.commit)

    with pytest.raises(GateFailed, match="nobody knows when"):
        apply.run(replace(release, plan=undated), world)
