"""lock: one writer per environment, from before the first change until after the ledger is written."""

from __future__ import annotations

from deployer.model import Outcome, Release
from deployer.pipeline import Stage
from deployer.ports import World


def run(release: Release, world: World) -> Outcome:
    """Take the environment's lease; raises Locked naming who holds it."""
    holder = world.lease.acquire(release.actor, release.id)
    return Outcome(f"held by {holder.owner} (fencing {holder.fencing})")


def close(world: World) -> None:
    """Give the lease back."""
    world.lease.release()


STAGE = Stage("lock", ("cloud",), run, close=close)
