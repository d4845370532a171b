"""record: the intent, in the ledger, before the first change. What became of it is written when the run ends."""

from __future__ import annotations

from deployer.model import Outcome, Record, Release
from deployer.pipeline import Stage
from deployer.ports import World


def run(release: Release, world: World) -> Outcome:
    """Write down who wants what."""
    world.ledger.write(Record.of(release))
    return Outcome(release.id)


STAGE = Stage("record", ("settings", "lock", "consent", "compare", "alarms"), run)
