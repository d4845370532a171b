"""deploy: the environment's strategy brings the release up and puts it back when it fails."""

from __future__ import annotations

from typing import Protocol

from deployer.errors import InputError
from deployer.model import Environment, Outcome, Release
from deployer.pipeline import Stage
from deployer.ports import World
from deployer.strategies import rolling


class Strategy(Protocol):
    """How an environment moves to a release and back; a module of `strategies/`."""

    def run(self, release: Release, world: World) -> Outcome:
        """Bring the release up. A strategy that raises has put back what it changed."""
        ...

    def undo(self, release: Release, outcome: Outcome, world: World) -> None:
        """Bring back what ran before `run`."""
        ...


STRATEGIES: dict[str, Strategy] = {"rolling": rolling}


def strategy(environment: Environment) -> Strategy:
    """The strategy that terraform.tfvars names. Raises InputError for one that is not built yet."""
    found = STRATEGIES.get(environment.strategy)
    if found is None:
        raise InputError(
            f"deploy {environment.name}",
            f"deployment.strategy = {environment.strategy!r} is not built yet",
            f"known: {', '.join(STRATEGIES)}",
        )
    return found


def run(release: Release, world: World) -> Outcome:
    """Deploy by the environment's strategy. Raises RolledBack, StateUncertain."""
    return strategy(world.environment).run(release, world)


def undo(release: Release, outcome: Outcome, world: World) -> None:
    """Bring back what ran before."""
    strategy(world.environment).undo(release, outcome, world)


STAGE = Stage("deploy", ("migrate", "verify", "rollback", "lock"), run, undo)
