"""Which of two colors serves, which one is free, and how a split that a dead run left behind is ended."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from deployer.errors import DeployError, Undecided
from deployer.journal_page import Page
from deployer.model import Color, Verdict
from deployer.ports import World
from deployer.strategies import capacity
from deployer.strategies.leave import scale_down
from deployer.verdict import revisions


def place(world: World) -> Color:
    """The color for a new release: the one that serves nobody. The very first release goes where traffic points."""
    live = _serving(world)
    return live.other if world.compute.live("frontend", live).desired else live


def settle(world: World, left: Page | None = None) -> str:
    """Finish or undo what a run that was cut off left behind: one color has all traffic, the other one is idle."""
    before = dict(world.traffic.weights())
    live = _serving(world, left)
    did = [f"all traffic to {live}"] if before[live] != 100 else []
    if world.compute.live("frontend", live).desired:
        did += [f"{service} {live.other} scaled down" for service in scale_down(live.other, world)]
        if world.traffic.test_color() is not live.other:
            world.lease.check()
            world.traffic.point_test(live.other)
            did.append(f"the test listener leads to {live.other}")
        capacity.free(live, world)
    return ", ".join(did)


def _serving(world: World, left: Page | None = None) -> Color:
    """The color that serves, after what a run that was cut off left behind has been ended.

    While a color runs a release that is known good, visitors are not left with one that never was proven. Where neither
    is, the color that had all traffic before the run that `left` is of gets it back, if it still runs. Raises
    Undecided when traffic is split and nobody can tell which color is better.
    """
    weights = world.traffic.weights()
    live = max(weights, key=lambda color: weights[color])
    good = [color for color in (live, live.other) if _is_good(color, world)]
    if weights[live] != 100 and not good:
        good = [color for color in Color if left and left.weights.get(color) == 100 and _runs(color, world)]
    if weights[live] != 100 and not good:
        raise Undecided(
            "find the color that is good",
            f"traffic is split ({words(weights)}), and neither color runs a release that the ledger calls good",
            "`inv status` shows both; set the listener's weights by hand to the one that works, then deploy again",
        )
    if weights[live] != 100 or (good and live not in good):
        live = good[0]
        world.say(f"an earlier run was cut off at {words(weights)}: all traffic to {live}, the better one")
        world.lease.check()
        world.traffic.set_weights({live: 100, live.other: 0})
    return live


def give_back(weights: Mapping[Color, int], world: World, *, moved: bool) -> None:
    """Set the split that was there before. `moved`: this run has moved it, so nothing is asked first.

    What cannot be read is set all the same: visitors do not wait for a Describe. A listener that forwarded to neither
    color, all zero, cannot be set back to that.
    """
    if not any(weights.values()):
        return
    if not moved:
        with suppress(DeployError):
            if dict(world.traffic.weights()) == dict(weights):
                return
    world.traffic.set_weights(weights)


def _is_good(color: Color, world: World) -> bool:
    """Whether both services run one release, and the ledger calls it good. A task may just be being replaced."""
    running = revisions(color, world).values()
    names = {revision.release for revision in running}
    if len(names) != 1 or not all(revision.desired and revision.running for revision in running):
        return False
    record = world.ledger.find(names.pop())
    return record is not None and record.outcome is Verdict.GOOD


def _runs(color: Color, world: World) -> bool:
    return all(revision.desired and revision.running for revision in revisions(color, world).values())


def words(weights: Mapping[Color, int]) -> str:
    """A split for people."""
    return ", ".join(f"{color} {weights.get(color, 0)}%" for color in Color)
