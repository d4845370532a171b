"""lock: one writer, from before the first change until after the ledger is written."""

from __future__ import annotations

from datetime import timedelta

import pytest

from deployer.errors import Locked
from deployer.ports import World
from deployer.stages import lock
from tests import examples
from tests.fakes import Fakes


def test_it_takes_the_lease_for_this_release(fakes: Fakes, world: World) -> None:
    """Others see who holds it and why."""
    outcome = lock.run(examples.release(), world)

    held = fakes.lease.holder()
    assert held is not None
    assert ("somebody", examples.release().id) == (held.owner, held.release)
    assert "held by somebody (fencing 1)" == outcome.note


def test_a_held_lease_is_not_taken(fakes: Fakes, world: World) -> None:
    """Exit code 40, naming who holds it; it stays theirs."""
    fakes.lease.lose("somebody else")

    with pytest.raises(Locked, match="somebody else holds it"):
        lock.run(examples.release(), world)

    held = fakes.lease.holder()
    assert held is not None
    assert "somebody else" == held.owner


def test_a_clock_that_is_wrong_is_told_and_the_clouds_counts(fakes: Fakes, world: World) -> None:
    """History and rollback go by when releases started, on whatever machine: by one clock."""
    fakes.lease.ahead = timedelta(hours=-5)
    release = examples.release()

    outcome = lock.run(release, world)

    assert release.started_at - timedelta(hours=5) == outcome.learned["started_at"]
    assert ["this machine's clock is 5:00:00 ahead of the cloud's, which counts"] == fakes.said


def test_a_clock_that_is_right_changes_nothing(fakes: Fakes, world: World) -> None:
    """Some seconds are what asking takes."""
    fakes.lease.ahead = timedelta(seconds=3)

    assert {} == lock.run(examples.release(), world).learned


def test_closing_gives_it_back(fakes: Fakes, world: World) -> None:
    """The next command need not wait for the expiry."""
    lock.run(examples.release(), world)

    assert lock.STAGE.close is not None
    lock.STAGE.close(world)

    assert fakes.lease.holder() is None
