"""reconcile: for the day nobody comes back. What a run that was cut off left half done is settled."""

from __future__ import annotations

from deployer.model import Outcome, Release
from deployer.pipeline import Stage
from deployer.ports import World
from deployer.stages.deploy import strategy


def run(release: Release, world: World) -> Outcome:
    """Give the traffic to the color that is known good and make the other one idle. Raises StateUncertain."""
    return Outcome(strategy(world.environment).settle(world))


STAGE = Stage("reconcile", ("lock",), run)
