"""retire: once the release is proven, the color that served before has nothing left to do."""

from __future__ import annotations

from deployer.errors import DeployError
from deployer.model import Outcome, Release, Status
from deployer.pipeline import Stage
from deployer.ports import World
from deployer.stages.deploy import strategy


def run(release: Release, world: World) -> Outcome:
    """Scale the old color down. When that fails it costs money, but is no reason to take a good release back.

    Nor is anything else from here on: traffic must not go back to a color whose tasks are being stopped.
    """
    try:
        world.journal.proven()
        note = strategy(world.environment).retire(release, world)
    except DeployError as error:
        return Outcome(f"the old color still runs: {error.seen}")
    return Outcome(note) if note else Outcome("one color only", status=Status.SKIPPED)


STAGE = Stage("retire", ("smoke_test",), run, final=True)
