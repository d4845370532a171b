"""deploy: the environment's strategy brings the release up and puts it back when it fails."""

from __future__ import annotations

from deployer.errors import InputError
from deployer.model import Outcome, Release
from deployer.pipeline import Stage
from deployer.ports import World
from deployer.strategies import rolling

STRATEGIES = {"rolling": rolling}


def run(release: Release, world: World) -> Outcome:
    """Deploy by the strategy that terraform.tfvars names. Raises RolledBack, StateUncertain."""
    strategy = STRATEGIES.get(world.environment.strategy)
    if strategy is None:
        raise InputError(
            f"deploy {world.environment.name}",
            f"deployment.strategy = {world.environment.strategy!r} is not built yet",
            f"known: {', '.join(STRATEGIES)}",
        )
    return strategy.run(release, world)


def undo(release: Release, outcome: Outcome, world: World) -> None:
    """Bring back what ran before."""
    STRATEGIES[world.environment.strategy].undo(release, outcome, world)


STAGE = Stage("deploy", ("migrate", "verify", "rollback", "lock"), run, undo)
