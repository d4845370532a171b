"""The journal: intent before, what was seen after, and no word from a run that has lost the environment."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deployer import journal as journal_module
from deployer.errors import DeployError, InputError, NotAllowed, ReleaseFailed, StateUncertain, Unreachable
from deployer.journal import Journal, Point
from deployer.journal_page import Page
from deployer.model import Color, Verdict
from deployer.ports import World
from tests import examples
from tests.fakes import Fakes

BLUE, GREEN = Color.BLUE, Color.GREEN
RELEASE = examples.release()


@pytest.fixture
def begun(fakes: Fakes) -> Journal:
    """The page of a run that holds the lease."""
    holder = fakes.lease.acquire("ana", RELEASE.id)
    fakes.journal.begin(Page.of(RELEASE, holder.fencing, fakes.lease.now()))
    return fakes.journal


def written(fakes: Fakes) -> Page:
    """What is stored."""
    assert fakes.pages.page is not None
    return fakes.pages.page


def test_the_intent_is_there_before_the_call_and_what_was_seen_after_it(fakes: Fakes, begun: Journal) -> None:
    """One entry a step, in one object."""
    with begun.step("scale", "frontend green runs 0", GREEN):
        (during,) = written(fakes).entries
    (after,) = written(fakes).entries

    assert ("scale", "frontend green runs 0", "", None) == (
        during.call,
        during.intent,
        during.observed,
        during.ended_at,
    )
    assert (1, "done", True) == (after.step, after.observed, after.ended_at is not None)
    assert GREEN is written(fakes).color


def test_a_call_that_fails_is_written_down_as_failed(fakes: Fakes, begun: Journal) -> None:
    """And raised as it is."""
    with pytest.raises(ReleaseFailed), begun.step("roll_out", "frontend green runs 1"):
        raise ReleaseFailed("roll out", "tasks crash")

    assert "failed: tasks crash" == written(fakes).entries[0].observed


def test_whoever_lost_the_environment_does_not_come_to_the_call(fakes: Fakes, begun: Journal) -> None:
    """A newer run has written its page: the intent is refused, whatever this machine's clock says of the lease."""
    newer = replace(Page.of(RELEASE, 2, fakes.lease.now()), actor="ben")
    fakes.pages.page = newer
    called = False
    with pytest.raises(StateUncertain, match="ben"), begun.step("scale", "frontend green runs 0"):
        called = True

    assert (False, newer) == (called, written(fakes))


def test_whoever_lost_the_lease_does_not_come_to_the_call_either(fakes: Fakes, begun: Journal) -> None:
    """The new holder has not written yet."""
    fakes.lease.lose("ben")
    called = False
    with pytest.raises(StateUncertain, match="lease was lost"), begun.step("scale", "frontend green runs 0"):
        called = True

    assert not called


def test_a_step_without_a_journal_is_no_step(fakes: Fakes, begun: Journal) -> None:
    """Nothing new is begun that nobody could put right."""
    fakes.pages.fail("write", Unreachable("keep the journal", "S3 does not answer"))
    called = False
    with pytest.raises(Unreachable), begun.step("set_weights", "green 10%"):
        called = True

    assert (False, ()) == (called, begun.page.entries if begun.page else None)


def test_putting_back_does_not_wait_for_the_journal(fakes: Fakes, world: World, begun: Journal) -> None:
    """Visitors first, history second: the next write tells of it."""
    fakes.pages.fail("write", Unreachable("keep the journal", "S3 does not answer"), times=2)
    with world.clock.shield():
        world.traffic.set_weights({BLUE: 100, GREEN: 0})
        world.compute.scale("frontend", GREEN, 0)

    assert ["set_weights", "scale"] == [entry.call for entry in written(fakes).entries]
    assert ["done", "done"] == [entry.observed for entry in written(fakes).entries]


@pytest.mark.parametrize("error", [NotAllowed("keep the journal", "denied"), InputError("keep the journal", "gone")])
def test_nor_does_any_other_trouble_with_the_journal_keep_it(
    fakes: Fakes, world: World, begun: Journal, error: DeployError
) -> None:
    """Rights that were taken away, a bucket that is gone: visitors are no less important then."""
    fakes.pages.fail("write", error, times=2)
    with world.clock.shield():
        world.traffic.set_weights({BLUE: 100, GREEN: 0})

    assert 1 == len(fakes.traffic.called("set_weights"))


def test_what_puts_back_tries_each_write_once(fakes: Fakes, world: World, begun: Journal) -> None:
    """Visitors wait for two seconds, not for every attempt that S3 is worth otherwise."""
    world.traffic.set_weights({BLUE: 90, GREEN: 10})
    patient = fakes.pages.hurried
    with world.clock.shield():
        world.traffic.set_weights({BLUE: 100, GREEN: 0})

    assert (0, 2) == (patient, fakes.pages.hurried)


def test_whoever_lost_the_environment_puts_nothing_back_either(fakes: Fakes, world: World, begun: Journal) -> None:
    """S3 answers, and the answer is no."""
    fakes.pages.page = replace(Page.of(RELEASE, 2, fakes.lease.now()), actor="ben")
    with world.clock.shield(), pytest.raises(StateUncertain, match="ben"):
        world.traffic.set_weights({BLUE: 100, GREEN: 0})

    assert [] == fakes.traffic.called("set_weights")


def test_what_was_there_before_is_what_was_read_first(fakes: Fakes, world: World, begun: Journal) -> None:
    """Reads after the first change tell of the change."""
    fakes.compute.serve(RELEASE, BLUE)
    world.traffic.weights()
    world.compute.live("backend", BLUE)
    world.traffic.set_weights({BLUE: 0, GREEN: 100})
    world.traffic.weights()
    fakes.compute.scale("backend", BLUE, 0)
    world.compute.live("backend", BLUE)
    world.compute.scale("backend", GREEN, 0)

    (found,) = written(fakes).revisions
    assert {BLUE: 100, GREEN: 0} == written(fakes).weights
    assert ("backend", BLUE, RELEASE.id, 1) == (found.service, found.color, found.release, found.desired)


def test_the_end_closes_the_page(fakes: Fakes, begun: Journal) -> None:
    """With the verdict and the exit code, for whoever follows."""
    begun.end(Verdict.FAILED, 10, "lint said no")

    page = written(fakes)
    assert (False, Verdict.FAILED, 10, "lint said no") == (page.open, page.outcome, page.exit_code, page.reason)
    assert begun.page is None


def test_a_run_can_be_cut_off_at_three_points_of_a_step(begun: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    """By one function that does nothing, for tests that kill."""
    seen: list[tuple[int, Point | str]] = []
    monkeypatch.setattr(journal_module, "passed", lambda step, point: seen.append((step, point)))
    with begun.step("scale", "frontend green runs 0"):
        seen.append((1, "call"))

    assert [(1, Point.BEFORE_CALL), (1, "call"), (1, Point.AFTER_CALL), (1, Point.AFTER_JOURNAL)] == seen
