"""lock: one writer per environment, from before the first change until after the ledger is written."""

from __future__ import annotations

from datetime import timedelta

from deployer import recovery
from deployer.model import Outcome, Release
from deployer.pipeline import Stage
from deployer.ports import World

SKEW = timedelta(seconds=5)
"""What S3's answers, in whole seconds, cannot tell from the time they take."""


def run(release: Release, world: World) -> Outcome:
    """Take the environment's lease, put right what a dead run left, begin the journal. Raises Locked naming who has it.

    Releases are ordered by when they started, whoever's machine they were started on: by one clock, the cloud's.
    """
    holder = world.lease.acquire(release.actor, release.id)
    skew = world.lease.now() - world.clock.now()
    learned = {}
    if abs(skew) > SKEW:
        side = "behind" if skew > timedelta(0) else "ahead of"
        off = timedelta(seconds=round(abs(skew).total_seconds()))
        world.say(f"this machine's clock is {off} {side} the cloud's, which counts")
        learned["started_at"] = release.started_at + skew
    try:
        did = recovery.begin(release, holder, world)
    except BaseException:
        world.lease.release()
        raise
    return Outcome(f"held by {holder.owner} (fencing {holder.fencing}){f'; {did}' if did else ''}", learned)


def close(world: World) -> None:
    """Give the lease back."""
    world.lease.release()


STAGE = Stage("lock", ("cloud",), run, close=close)
