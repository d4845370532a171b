"""plan: saved with its hash, and readable."""

from __future__ import annotations

from pathlib import Path

import pytest

from deployer.errors import Locked
from deployer.model import Change, Plan, Status
from deployer.ports import World
from deployer.stages import plan
from tests import examples
from tests.fakes import Fakes

CHANGES = (
    Change("create", "aws_lb.public"),
    Change("update", "aws_ecs_service.x", ("tags",)),
    Change("create", "aws_lb.internal"),
)


@pytest.mark.parametrize(
    ("changes", "text"), [((), "no changes"), (CHANGES[:1], "1 create"), (CHANGES, "2 create, 1 update")]
)
def test_summary_counts_actions(changes: tuple[Change, ...], text: str) -> None:
    """One line that says how much would change."""
    assert text == plan.summary(Plan(Path("x.tfplan"), "abc", changes))


def test_the_plan_and_its_hash_are_learned(fakes: Fakes, world: World) -> None:
    """The working directory is prepared first; the hash goes to the ledger."""
    fakes.infrastructure.changes = CHANGES

    outcome = plan.run(examples.release(), world)

    saved = fakes.infrastructure.planned
    assert saved is not None
    assert {"plan": saved, "plan_sha256": saved.sha256} == outcome.learned
    assert [("unchanged",), ("prepare",), ("plan",)] == fakes.infrastructure.calls
    assert "2 create, 1 update" == outcome.note
    assert examples.COMMIT == saved.commit
    assert {"2 to create, 1 to update", "~ aws_ecs_service.x: tags"} <= set(fakes.said)


def test_what_has_not_changed_is_not_planned_again(fakes: Fakes, world: World) -> None:
    """Neither the bucket nor Terraform is touched; people read since when."""
    fakes.infrastructure.clean = Plan(Path("x.tfplan"), "abc", (), examples.NOW)

    outcome = plan.run(examples.release(), world)

    assert ({"plan": fakes.infrastructure.clean, "plan_sha256": "abc"}, Status.CACHED) == (
        outcome.learned,
        outcome.status,
    )
    assert "the plan of 2026-03-04 05:06:07Z" in outcome.note
    assert [("unchanged",)] == fakes.infrastructure.calls


def test_a_locked_state_is_somebody_else_s(fakes: Fakes, world: World) -> None:
    """Exit code 40, as Terraform said it."""
    fakes.infrastructure.fail("plan", Locked("plan", "the state is locked"))

    with pytest.raises(Locked):
        plan.run(examples.release(), world)
