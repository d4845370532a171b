"""schedule: before visitors are moved, the task that would put them back if nobody comes back is this commit's.

It is no part of the release: a release that fails or is rolled back leaves it as it is.
"""

from __future__ import annotations

from deployer.errors import InputError
from deployer.model import DEPLOYER, Outcome, Release, Status
from deployer.pipeline import Stage
from deployer.ports import World


def run(release: Release, world: World) -> Outcome:
    """Push the deployer's own image and let the environment's schedule run it."""
    environment = world.environment
    if not environment.reconciled:
        return Outcome("one color only: nothing can be left half done", status=Status.SKIPPED)
    place = world.infrastructure.topology().reconciler
    if place is None:
        seen = "the topology names no reconciler, which an environment of two colors has"
        raise InputError("schedule the reconciler", seen, f"inv apply --env={environment.short_name}")
    built = release.built[DEPLOYER]
    # Its first tag is its content's name and not the commit's: most commits leave it alone, and then nothing is pushed.
    tags = (built.reference.rpartition(":")[2], f"{environment.short_name}-latest")
    image = world.registry.push(built, place.repository, tags, world.say)
    world.lease.check()
    changed = world.compute.schedule(world.registry.reference(image))
    return Outcome(f"{DEPLOYER} {image.digest[:19]}", status=Status.OK if changed else Status.CACHED)


STAGE = Stage("schedule", ("lint", "test", "scan", "build", "apply", "lock"), run, stays=True)
