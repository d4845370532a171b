"""test: the quick tests of the deployer and of the application; the slow ones belong to CI."""

from __future__ import annotations

from deployer.model import Outcome, Release, Status
from deployer.pipeline import Stage
from deployer.ports import World

SESSIONS = ("unit", "application")


def run(release: Release, world: World) -> Outcome:
    """Run the sessions that need no container. Raises GateFailed."""
    checked = world.gates.run(SESSIONS, world.logs / "test.log", world.say)
    return Outcome(checked.summary, status=Status.CACHED if checked.cached else Status.OK)


STAGE = Stage("test", (), run)
