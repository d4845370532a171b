"""deploy: the environment's strategy brings the release up and puts it back when it fails."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from deployer.errors import InputError
from deployer.journal_page import Page
from deployer.model import Color, Environment, Outcome, Record, Release
from deployer.pipeline import Stage
from deployer.ports import World
from deployer.strategies import blue_green, rolling


class Strategy(Protocol):
    """How an environment moves to a release and back; a module of `strategies/`."""

    def place(self, world: World) -> Color:
        """Choose the color that a release goes to."""
        ...

    def settle(self, world: World, left: Page | None = None) -> str:
        """End what a run that was cut off left running; say what was done, "" when there was nothing.

        `left` is its page of the journal, if there is one.
        """
        ...

    def restored(self, record: Record) -> Mapping[str, str]:
        """The task definitions with which a rollback brings the release of `record` back; the others are made anew."""
        ...

    def run(self, release: Release, world: World) -> Outcome:
        """Bring the release up. A strategy that raises has put back what it changed."""
        ...

    def undo(self, release: Release, outcome: Outcome, world: World) -> None:
        """Bring back what ran before `run`."""
        ...

    def retire(self, release: Release, world: World) -> str:
        """Scale down what served before a proven release; say so, or "" when there is nothing."""
        ...


STRATEGIES: dict[str, Strategy] = {"blue_green": blue_green, "rolling": rolling}


def strategy(environment: Environment) -> Strategy:
    """The strategy that terraform.tfvars names. Raises InputError for an unknown one."""
    found = STRATEGIES.get(environment.strategy)
    if found is None:
        raise InputError(
            f"deploy {environment.name}",
            f"deployment.strategy = {environment.strategy!r} is not known",
            f"known: {', '.join(STRATEGIES)}",
        )
    return found


def run(release: Release, world: World) -> Outcome:
    """Deploy by the environment's strategy. Raises RolledBack, StateUncertain."""
    return strategy(world.environment).run(release, world)


def undo(release: Release, outcome: Outcome, world: World) -> None:
    """Bring back what ran before."""
    strategy(world.environment).undo(release, outcome, world)


STAGE = Stage("deploy", ("migrate", "verify", "rollback", "place", "schedule", "lock"), run, undo)
