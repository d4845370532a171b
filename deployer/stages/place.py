"""place: which color the release goes to, as the environment's strategy has it."""

from __future__ import annotations

from deployer.model import Outcome, Release
from deployer.pipeline import Stage
from deployer.ports import World
from deployer.stages.deploy import strategy


def run(release: Release, world: World) -> Outcome:
    """Choose the color; what an earlier run left half done is settled first. Raises StateUncertain."""
    color = strategy(world.environment).place(world)
    return Outcome(str(color), {"color": color})


STAGE = Stage("place", ("apply", "record", "rollback", "lock"), run)
