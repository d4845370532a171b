"""cloud: the local cloud runs, or the AWS account is the right one."""

from __future__ import annotations

from deployer.model import Outcome, Release
from deployer.pipeline import Stage
from deployer.ports import World


def run(release: Release, world: World) -> Outcome:
    """Make sure there is something to deploy to."""
    return Outcome(world.platform.ready(world.say))


STAGE = Stage("cloud", (), run)
