"""held: lock, unlock, attach and abort of an environment that somebody else may be at work in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from deployer import held, pipelines, read, source
from deployer.composition import Site
from deployer.errors import InputError, Locked, StateUncertain, Unreachable
from deployer.held import follow, listening
from deployer.journal_page import Entry, Page
from deployer.model import Color, Holder, Verdict
from deployer.pipeline import Stage, Stop, execute
from deployer.ports import World
from tests import examples
from tests.examples import COMMIT, NOW, TOPOLOGY
from tests.fakes import Fakes, Heard

RELEASE = examples.release()
PATIENCE_S = 20.0


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fakes: Fakes) -> Fakes:
    """Commands of the person `ben` meet this world."""

    @contextmanager
    def from_commit(_: Path, __: str) -> Iterator[source.Source]:
        yield source.Source(tmp_path, COMMIT, NOW, "ben", ("dirty.py",))

    made = Site(fakes.world(tmp_path), lambda: TOPOLOGY, lambda: "http://dev", dict, lambda: None)
    monkeypatch.setattr(held, "from_commit", from_commit)
    monkeypatch.setattr(read, "site", lambda *_: made)
    return fakes


def begin(fakes: Fakes) -> Holder:
    """Let a run of ana's be at work."""
    holder = fakes.lease.acquire("ana", RELEASE.id)
    fakes.journal.begin(Page.of(RELEASE, holder.fencing, fakes.lease.now()))
    return holder


def lock(reason: str = "the auditors are here") -> int:
    """`inv lock`."""
    return held.lock("dev", reason=reason, cloud=None, yes=False)


def abort(reason: str = "wrong commit") -> int:
    """`inv abort`."""
    return held.abort("dev", reason=reason, cloud=None, yes=False)


def test_a_locked_environment_takes_nothing_until_it_is_unlocked(site: Fakes, world: World) -> None:
    """No process holds the lock, and no time ends it."""
    assert 0 == lock()
    site.clock.wait(1e9)
    refused = execute(pipelines.RECONCILE, RELEASE, world, Heard(), Stop())
    holder = site.lease.holder()

    assert Locked is type(refused.error)
    assert ("ben", "the auditors are here") == (holder and holder.owner, holder and holder.reason)
    assert 0 == held.unlock("dev", reason="they left", cloud=None, yes=False)
    assert execute(pipelines.RECONCILE, RELEASE, world, Heard(), Stop()).error is None


def test_a_lock_does_not_keep_out_what_would_put_a_dead_run_right(site: Fakes) -> None:
    """Held, the environment would stay as the dead run left it: neither a command nor the scheduled task could help."""
    page = Page(RELEASE.id, "deploy", "ana", 1, NOW, entries=(Entry(1, "set_weights", "green 10%", NOW),))
    site.pages.page = page
    with pytest.raises(InputError, match="put right") as caught:
        lock()
    site.pages.page = replace(page, ended_at=NOW)

    assert "inv reconcile" in caught.value.hint
    assert 0 == lock()


def test_a_lock_does_not_take_the_environment_from_a_run(site: Fakes) -> None:
    """Exit 40."""
    begin(site)
    with pytest.raises(Locked, match="ana"):
        lock()


@pytest.mark.parametrize("command", [held.lock, held.unlock])
def test_a_reason_is_wanted(site: Fakes, command: object) -> None:
    """Others will ask."""
    site.lease.lose("ann")
    with pytest.raises(InputError, match="reason"):
        command("dev", reason=" ", cloud=None, yes=False)  # type: ignore[operator]
    assert site.lease.holder() is not None


@pytest.mark.parametrize("command", ["abort", "attach"])
def test_where_nobody_is_at_work_there_is_nothing_to_ask(site: Fakes, command: str) -> None:
    """Exit 2, and what to do instead; a lock is no run."""
    ask = abort if command == "abort" else lambda: held.attach("dev", cloud=None)
    with pytest.raises(InputError, match="nobody is at work") as failed:
        ask()
    assert "inv reconcile --env=dev" in failed.value.hint
    lock()
    with pytest.raises(InputError, match="auditors"):
        ask()
    assert {} == site.abort.wanted


def test_abort_asks_the_run_that_holds_the_lease(site: Fakes, capsys: pytest.CaptureFixture[str]) -> None:
    """By its fencing number: a later run is not meant."""
    holder = begin(site)

    assert 0 == abort()
    assert {holder.fencing: "aborted by ben: wrong commit"} == site.abort.wanted
    assert "ana" in capsys.readouterr().err


def test_a_run_that_is_aborted_puts_things_back_and_says_who_wanted_it(
    site: Fakes, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit 130, as for SIGTERM."""
    monkeypatch.setattr(held, "LISTEN_EVERY_S", 0.01)
    stop, log = Stop(), list[str]()

    def work(_: object, __: World) -> object:
        abort()
        assert stop.event.wait(PATIENCE_S)
        raise Unreachable("wait", "cut off")

    stages = (
        *pipelines.RECONCILE[:1],
        examples.stage("deploy", "lock", log=log),
        Stage("smoke", ("deploy",), work),  # type: ignore[arg-type]
    )
    with listening(world, stop):
        report = execute(stages, RELEASE, world, Heard(), stop)

    assert ["deploy", "undo deploy", "close deploy"] == log
    assert (Verdict.INTERRUPTED, 130) == (report.verdict, report.error and report.error.exit_code)
    assert "aborted by ben: wrong commit" in report.reason
    assert report.error is not None
    assert report.error.hint.startswith("aborted by ben: wrong commit; what was changed has been put back")
    assert site.pages.page is not None
    assert (130, False) == (site.pages.page.exit_code, site.pages.page.open)


def test_a_run_listens_again_when_the_cloud_was_out_of_reach(
    site: Fakes, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One look that fails stops neither the run nor the listening."""
    monkeypatch.setattr(held, "LISTEN_EVERY_S", 0.01)
    holder = begin(site)
    site.abort.fail("asked", Unreachable("look", "no answer"), times=3)
    site.abort.wanted[holder.fencing + 1] = "somebody else is meant"
    stop = Stop()
    with listening(world, stop):
        while len(site.abort.called("asked")) < 5:
            assert not stop.asked
        abort()
        while not stop.asked:
            pass

    assert "aborted by ben: wrong commit" == stop.seen


def test_attach_tells_the_steps_as_they_come_and_ends_as_the_run_does(
    site: Fakes, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each step once when it begins and once when it ends; then outcome and exit code."""
    holder = begin(site)
    told: list[str] = []
    script = iter(
        [
            lambda: world.compute.scale("frontend", Color.GREEN, 0),
            lambda: site.clock.wait(0),
            lambda: site.journal.end(Verdict.ROLLED_BACK, 20, "tasks crash"),
        ]
    )
    monkeypatch.setattr(site.clock, "wait", lambda _: next(script)())

    assert 20 == follow(world, holder, told.append)
    head, began, ended, last = told
    assert f"{RELEASE.id} of ana" == head
    assert began.endswith("1 frontend green runs 0")
    assert "1 done after" in ended
    assert f"{RELEASE.id}: rolled-back, tasks crash" == last


def test_attach_to_a_run_that_dies_is_uncertain(site: Fakes, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit 21, and what puts it right."""
    holder = begin(site)
    monkeypatch.setattr(site.clock, "wait", lambda _: site.lease.expire())
    with pytest.raises(StateUncertain, match="without a last word") as failed:
        follow(world, holder, lambda _: None)

    assert "inv reconcile" in failed.value.hint


def test_attach_follows_a_recovery_and_then_the_release(
    site: Fakes, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a dead run left is put right under the same lease."""
    holder = site.lease.acquire("ana", RELEASE.id)
    site.journal.begin(replace(Page.of(RELEASE, holder.fencing, NOW, "reconcile"), recovers="dev-0"))
    script = iter(
        [
            lambda: site.journal.end(None, 0),
            lambda: site.journal.begin(Page.of(RELEASE, holder.fencing, NOW)),
            lambda: site.journal.end(Verdict.GOOD, 0),
        ]
    )
    monkeypatch.setattr(site.clock, "wait", lambda _: next(script)())
    told: list[str] = []

    assert 0 == follow(world, holder, told.append)
    assert [f"{RELEASE.id} of ana", f"{RELEASE.id}: good"] == told
