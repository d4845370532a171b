"""The scheduled reconciler: looks, and only acts on what a run that was cut off left."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from deployer import reconciler, unattended
from deployer.errors import DeployError, Locked, StateUncertain, Unreachable
from deployer.journal_page import Page
from deployer.model import SERVICES, Color, Record, Verdict
from deployer.pipeline import Stop
from deployer.ports import World
from tests import examples
from tests.fakes import Fakes

BLUE, GREEN = Color.BLUE, Color.GREEN
GOOD = examples.release()
NEW = replace(GOOD, id="dev-20260305T000000Z-fffffff", commit="f" * 40)
SPLIT = {BLUE: 50, GREEN: 50}
LEASE_S = 60


@pytest.fixture
def fakes() -> Fakes:
    """GOOD serves in blue; NEW, never proven, has half of the traffic in green."""
    fakes = Fakes(environment=replace(examples.ENVIRONMENT, strategy="blue_green"))
    fakes.compute.serve(GOOD, BLUE)
    fakes.compute.serve(NEW, GREEN)
    fakes.ledger.records = {GOOD.id: Record.of(GOOD, Verdict.GOOD), NEW.id: Record.of(NEW)}
    fakes.traffic.split = dict(SPLIT)
    fakes.traffic.calls.clear()
    fakes.compute.calls.clear()
    return fakes


@pytest.fixture
def world(fakes: Fakes, tmp_path: Path) -> World:
    """The ports that the task has: of all others a call would be a bug."""
    nobody: Any = None
    absent = ("platform", "gates", "builder", "registry", "preflight", "migrations")
    given = replace(fakes.world(tmp_path), **dict.fromkeys(absent, nobody))
    applied: Any = unattended.Applied(lambda: examples.TOPOLOGY)
    return replace(given, infrastructure=applied, probe=unattended.NoProof())


def reconcile(world: World) -> tuple[str, str]:
    """One look of the scheduled task."""
    return reconciler.reconcile(world.environment, world, Stop())


def while_it_waits(fakes: Fakes, monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """Let somebody `act` 22 s from now, while the task waits for the end of a lease."""
    wait, at_s = fakes.clock.wait, fakes.clock.monotonic() + 22

    def waited(seconds: float) -> None:
        before = fakes.clock.monotonic()
        wait(seconds)
        if before < at_s <= fakes.clock.monotonic():
            act()

    monkeypatch.setattr(fakes.clock, "wait", waited)


def pass_by(fakes: Fakes, seconds: float) -> None:
    """Let time pass."""
    fakes.clock.wait(seconds)


@pytest.mark.parametrize("after_s", [0, 0.5, 59, 61, 600])
def test_a_run_that_was_cut_off_is_settled_once_its_lease_has_expired(
    fakes: Fakes, world: World, after_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All traffic to the last good color, the other one idle, the lease given back: the next look finds nothing.

    Whenever the schedule looks, it does so when the lease ends and not a period later, but never before.
    """
    fakes.lease.lose("ann")
    pass_by(fakes, after_s)
    moved_at, move = list[float](), fakes.traffic.set_weights

    def set_weights(weights: Mapping[Color, int]) -> None:
        moved_at.append(fakes.clock.monotonic())
        move(weights)

    monkeypatch.setattr(fakes.traffic, "set_weights", set_weights)

    outcome, note = reconcile(world)

    assert "settled" == outcome
    assert [max(LEASE_S, after_s)] == moved_at
    assert "all traffic to blue" in note
    assert ({BLUE: 100, GREEN: 0}, GREEN) == (fakes.traffic.split, fakes.traffic.tested)
    assert [1, 1, 0, 0] == [fakes.compute.live(s, c).running for c in Color for s in SERVICES]
    assert ("nothing", "the last run came to its end: nothing to do") == reconcile(world)


def test_a_run_at_work_is_left_alone(fakes: Fakes, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Renewing its lease is a sign of life. One line says who; nothing is read but the lease, nothing is taken."""
    fakes.lease.lose("ann")
    while_it_waits(fakes, monkeypatch, fakes.lease.renew)

    assert ("held", "held by ann: nothing to do") == reconcile(world)
    assert ([], [], []) == (fakes.lease.called("acquire"), fakes.traffic.calls, fakes.compute.calls)
    assert fakes.clock.monotonic() < LEASE_S, "it goes at the first sign of life"


def test_a_look_that_nobody_answers_does_not_end_the_wait(
    fakes: Fakes, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else visitors would wait for the next one, just when S3 is hard to reach."""
    fakes.lease.lose("ann")
    while_it_waits(
        fakes, monkeypatch, lambda: fakes.lease.fail("unfinished", Unreachable("read the lease", "no answer"))
    )

    assert "settled" == reconcile(world)[0]
    assert {BLUE: 100, GREEN: 0} == fakes.traffic.split


def test_whoever_takes_over_meanwhile_is_left_alone(
    fakes: Fakes, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A command that knows that the process is gone need not wait for the lease's end, and settles what it finds."""
    fakes.lease.lose("ann")
    while_it_waits(fakes, monkeypatch, lambda: fakes.lease.lose("ben"))

    assert ("held", "held by ben: nothing to do") == reconcile(world)
    assert SPLIT == fakes.traffic.split


def test_a_lease_given_back_meanwhile_leaves_nothing_to_do(
    fakes: Fakes, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run came to its end between two looks."""
    fakes.lease.acquire("ann", "r-1")
    while_it_waits(fakes, monkeypatch, fakes.lease.release)

    assert "nothing" == reconcile(world)[0]
    assert SPLIT == fakes.traffic.split


def test_an_environment_locked_by_hand_is_not_waited_for(fakes: Fakes, world: World) -> None:
    """`inv lock` lasts until `inv unlock`: the task would never end."""
    fakes.lease.keep("ann", "the database moves")

    assert "held" == reconcile(world)[0]
    assert (0, SPLIT) == (fakes.clock.monotonic(), fakes.traffic.split)


def test_a_split_that_somebody_left_on_purpose_stays(fakes: Fakes, world: World) -> None:
    """The lease was given back: a run came to its end and said what it left, or a person set the weights."""
    fakes.lease.acquire("ann", "r-1")
    fakes.lease.release()

    assert "nothing" == reconcile(world)[0]
    assert SPLIT == fakes.traffic.split
    assert [] == fakes.traffic.calls


def test_what_a_run_could_not_put_back_is_tried_again(fakes: Fakes, world: World) -> None:
    """It ended with 21: the lease was given back, the page of its journal stayed open."""
    fakes.lease.acquire("ann", NEW.id)
    world.journal.begin(Page.of(NEW, 1, fakes.lease.now()))
    fakes.lease.release()

    assert "settled" == reconcile(world)[0]
    assert {BLUE: 100, GREEN: 0} == fakes.traffic.split
    assert "nothing" == reconcile(world)[0]


def test_a_journal_that_cannot_be_read_is_looked_into(fakes: Fakes, world: World) -> None:
    """What stood in it is found out from the cloud."""
    fakes.pages.page = replace(Page.of(NEW, 0, fakes.lease.now()), damage="journal.json cannot be read")

    assert "settled" == reconcile(world)[0]
    assert {BLUE: 100, GREEN: 0} == fakes.traffic.split


def test_what_was_never_proven_is_not_proven_here(fakes: Fakes, world: World) -> None:
    """The smoke test is no part of the image: what serves alone keeps serving, without a verdict."""
    fakes.traffic.split = {BLUE: 0, GREEN: 100}
    fakes.ledger.records.pop(GOOD.id)
    fakes.compute.told = {place: told for place, told in fakes.compute.told.items() if place[1] is GREEN}
    fakes.lease.lose("ann")
    pass_by(fakes, 61)

    outcome, note = reconcile(world)

    assert "settled" == outcome
    assert f"{NEW.id} serves and is not proven: the scheduled reconciler has no smoke test" in note
    assert {BLUE: 0, GREEN: 100} == fakes.traffic.split


def test_somebody_may_be_quicker(fakes: Fakes, world: World) -> None:
    """The next deploy took over between the look and the lease: it settles what it finds."""
    fakes.lease.lose("ann")
    pass_by(fakes, 61)
    fakes.lease.fail("acquire", Locked("lock", "ben holds it"))

    assert ("held", "ben holds it: nothing to do") == reconcile(world)
    assert SPLIT == fakes.traffic.split


def test_what_cannot_be_settled_is_an_error_and_the_lease_is_given_back(fakes: Fakes, world: World) -> None:
    """Neither color is known good: a person has to look."""
    fakes.ledger.records.clear()
    fakes.lease.lose("ann")
    pass_by(fakes, 61)

    with pytest.raises(StateUncertain):
        reconcile(world)

    assert (None, SPLIT) == (fakes.lease.holder(), fakes.traffic.split)


def answered(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *what: object) -> dict[str, Any]:
    """What the command prints, and its code, when `reconcile` answers or raises `what`."""

    def answer(*_: object) -> tuple[object, ...]:
        if isinstance(what[0], BaseException):
            raise what[0]
        return what

    monkeypatch.setattr(reconciler, "reconcile", answer)
    nobody: Any = None
    monkeypatch.setattr(unattended, "compose", lambda *_: unattended.Unattended(nobody, lambda: {"s3.GetObject": 2}))
    code = reconciler.main(["--env=staging", "--cloud=local"])
    printed = capsys.readouterr().out.splitlines()
    assert 1 == len(printed), "one line, which a log filter can read"
    seen: dict[str, Any] = json.loads(printed[0])
    assert 0 <= seen.pop("duration_s") < 60
    assert {"s3.GetObject": 2} == seen.pop("aws_calls"), "told after a failure, too"
    assert code == seen["exit_code"]
    return seen


def test_it_answers_in_one_line_of_json(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Which environment, what became of it, and the exit code."""
    expected = {"environment": "staging", "outcome": "settled", "note": "all traffic to blue", "exit_code": 0}

    assert expected == answered(monkeypatch, capsys, "settled", "all traffic to blue")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (StateUncertain("settle", "neither is good"), 21),
        (Unreachable("read the lease", "no answer"), 30),
        (DeployError("settle", "a bug of ours"), 1),
        (KeyError("a bug"), 1),
        (KeyboardInterrupt(), 130),
    ],
)
def test_exit_codes_are_those_of_every_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: BaseException, code: int
) -> None:
    """A failure is told, in the same line."""
    seen = answered(monkeypatch, capsys, error)

    assert code == seen["exit_code"]
    assert seen["outcome"] in {"failed", "interrupted"}


def test_an_unknown_environment_is_an_input_error(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2, before any cloud is asked."""
    assert 2 == reconciler.main(["--env=stagin"])
    assert "no environment named 'stagin'" in capsys.readouterr().out


def test_fakes_expire_as_leases_do(fakes: Fakes) -> None:
    """Else the tests above would prove nothing."""
    fakes.lease.lose("ann")
    held = fakes.lease.unfinished()
    assert held is not None
    assert timedelta(0) < held.expires_at - fakes.lease.now() <= timedelta(minutes=1)
