"""record: the intent is in the ledger before the first change."""

from __future__ import annotations

from deployer.ports import World
from deployer.stages import record
from tests import examples
from tests.fakes import Fakes


def test_the_intent_has_no_outcome_yet(fakes: Fakes, world: World) -> None:
    """Who wants what; a run that is cut off leaves a record without an end."""
    release = examples.release()

    outcome = record.run(release, world)

    written = fakes.ledger.records[release.id]
    assert (None, None) == (written.outcome, written.ended_at)
    assert ("somebody", examples.COMMIT, "deploy") == (written.actor, written.commit, written.kind)
    assert release.id == outcome.note
