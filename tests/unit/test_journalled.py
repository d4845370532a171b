"""What stands before the ports: the same methods, and a step for each that changes something."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from deployer.errors import StateUncertain
from deployer.journal_page import Page
from deployer.model import Change, Color, Plan, Record
from deployer.ports import Compute, Infrastructure, Ledger, Traffic, World
from tests import examples
from tests.fakes import Fakes

RELEASE = examples.release()
PLAN = Plan(Path("plan"), "a" * 64, (Change("create", "aws_vpc.this"),))


def _arn(world: World) -> str:
    return world.compute.register(RELEASE, "backend", "x@sha256:1")


def _apply(world: World) -> None:
    plan = world.infrastructure.plan(RELEASE.commit, Path("plan.log"), world.say)
    world.infrastructure.apply(replace(PLAN, sha256=PLAN.sha256, path=plan.path), Path("apply.log"), world.say)


CHANGES: dict[str, tuple[Callable[[World], object], str]] = {
    "register": (lambda w: w.compute.register(RELEASE, "backend", "x@sha256:1"), f"backend for {RELEASE.id} in blue"),
    "deregister": (lambda w: w.compute.deregister("arn:task-definition/web:1"), "no task definition web:1"),
    "roll_out": (
        lambda w: w.compute.roll_out("backend", Color.BLUE, _arn(w), 2, 1.0, w.say),
        "backend blue runs 2 of indivillage-dev-backend:1",
    ),
    "scale": (lambda w: w.compute.scale("backend", Color.BLUE, 0), "backend blue runs 0"),
    "keep": (lambda w: w.compute.keep("backend", Color.BLUE, 2), "backend blue keeps at least 2"),
    "run_task": (lambda w: w.compute.run_task("backend", "arn:x/web:1", (), 1.0, w.say), "web:1 has run"),
    "set_weights": (lambda w: w.traffic.set_weights({Color.BLUE: 90, Color.GREEN: 10}), "blue 90%, green 10%"),
    "point_test": (lambda w: w.traffic.point_test(Color.GREEN), "leads to green"),
    "apply": (_apply, "aaaaaaaaaaaa is applied (1 changes)"),
    "schedule": (lambda w: w.compute.schedule("x/reconciler@sha256:1"), "reconciler@sha256:1"),
    "write": (lambda w: w.ledger.write(Record.of(RELEASE)), f"{RELEASE.id} as begun"),
}
READS = {
    *("live", "content", "registered", "stopped", "weights", "test_color", "targets"),
    *("prepare", "unchanged", "plan", "drift", "topology", "find", "history"),
}
MENDS = {"mend"}
"""Brings back what was written before: not a change of the environment."""


@pytest.fixture
def begun(fakes: Fakes, world: World) -> World:
    """A world whose run has begun its page."""
    holder = fakes.lease.acquire("ana", RELEASE.id)
    world.journal.begin(Page.of(RELEASE, holder.fencing, fakes.lease.now()))
    return world


def test_every_method_is_known_to_change_something_or_not() -> None:
    """A new method of these ports has to be put on one side."""
    methods = {name for port in (Compute, Traffic, Infrastructure, Ledger) for name in vars(port) if name[0] != "_"}

    assert methods == set(CHANGES) | READS | MENDS


@pytest.mark.parametrize("name", CHANGES)
def test_what_changes_something_is_a_step(fakes: Fakes, begun: World, name: str) -> None:
    """With words that a person can follow."""
    change, words = CHANGES[name]
    if name == "apply":
        fakes.infrastructure.apply = lambda *_: None  # type: ignore[assignment,method-assign]
    change(begun)
    page = fakes.pages.page
    assert page is not None
    entry = page.entries[-1]

    assert (name, "done", True) == (entry.call, entry.observed, words in entry.intent)


@pytest.mark.parametrize("name", sorted(set(CHANGES) - {"apply", "roll_out"}))
def test_whoever_lost_the_environment_reaches_none_of_them(fakes: Fakes, begun: World, name: str) -> None:
    """The fence stands before every one."""
    fakes.pages.page = Page.of(RELEASE, 9, fakes.lease.now())
    with pytest.raises(StateUncertain):
        CHANGES[name][0](begun)

    made = [part.called(name) for part in (fakes.compute, fakes.traffic, fakes.ledger)]
    assert [[], [], []] == made
