"""lint: style, types, layering, shell scripts; nothing is changed."""

from __future__ import annotations

from deployer.model import Outcome, Release
from deployer.pipeline import Stage
from deployer.ports import World

SESSIONS = ("lint", "types")


def run(release: Release, world: World) -> Outcome:
    """Run the lint sessions. Raises GateFailed."""
    return Outcome(world.gates.run(SESSIONS, world.logs / "lint.log", world.say))


STAGE = Stage("lint", (), run)
