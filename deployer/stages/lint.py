"""lint: style, types, layering, shell scripts; nothing is changed."""

from __future__ import annotations

from deployer.model import Outcome, Release, Status
from deployer.pipeline import Stage
from deployer.ports import World

SESSIONS = ("lint", "types")


def run(release: Release, world: World) -> Outcome:
    """Run the lint sessions. Raises GateFailed."""
    checked = world.gates.run(SESSIONS, world.logs / "lint.log", world.say)
    return Outcome(checked.summary, status=Status.CACHED if checked.cached else Status.OK)


STAGE = Stage("lint", (), run)
