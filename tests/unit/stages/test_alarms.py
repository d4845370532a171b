"""alarms: nothing is released into trouble."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deployer.errors import GateFailed
from deployer.model import Status
from deployer.ports import World
from deployer.stages import alarms
from tests import examples
from tests.fakes import Fakes


@pytest.fixture
def shifting(world: World) -> World:
    """An environment that shifts traffic."""
    return replace(world, environment=replace(world.environment, strategy="blue_green"))


def test_no_alarm_no_objection(shifting: World) -> None:
    """And it says so."""
    assert "none fires" == alarms.run(examples.release(), shifting).note


def test_a_firing_alarm_refuses_to_begin(fakes: Fakes, shifting: World) -> None:
    """Exit code 10, with the way to begin all the same."""
    fakes.metrics.states = {"latency": "ALARM", "errors": "OK"}
    with pytest.raises(GateFailed, match="alarm latency fires already") as caught:
        alarms.run(examples.release(), shifting)

    assert (10, True) == (caught.value.exit_code, "--fix-forward" in caught.value.hint)


def test_what_a_release_that_was_put_back_left_behind_is_waited_for(
    fakes: Fakes, shifting: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The idle color's alarm: it goes by itself, and a release begins."""
    monkeypatch.setattr(fakes.metrics, "firing", lambda: () if shifting.clock.monotonic() > 5 else ("x-green-latency",))
    outcome = alarms.run(examples.release(), shifting)

    assert "x-green-latency is over: it told of a release that was put back" == outcome.note
    assert 5 < shifting.clock.monotonic() < 7


@pytest.mark.parametrize(
    ("firing", "after_s"),
    [
        (("x-green-latency",), 30),  # it never ends
        (("x-blue-latency",), 0),  # it tells of what serves
        (("x-green-latency", "x-balancer-errors"), 0),
    ],
)
def test_it_refuses_what_does_not_go_or_tells_of_what_serves(
    fakes: Fakes, shifting: World, firing: tuple[str, ...], after_s: float
) -> None:
    """Blue has all visitors."""
    fakes.metrics.states = dict.fromkeys(firing, "ALARM")
    with pytest.raises(GateFailed, match="fires already"):
        alarms.run(examples.release(), shifting)

    assert after_s <= shifting.clock.monotonic() <= after_s + 1


def test_an_alarm_that_begins_meanwhile_refuses(fakes: Fakes, shifting: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Waiting for one, it still sees the other."""
    monkeypatch.setattr(
        fakes.metrics, "firing", lambda: ("x-blue-errors",) if shifting.clock.monotonic() > 5 else ("x-green-latency",)
    )
    with pytest.raises(GateFailed, match="alarm x-blue-errors fires already"):
        alarms.run(examples.release(), shifting)


def test_a_fix_says_what_it_mends(fakes: Fakes, shifting: World) -> None:
    """The reason is told."""
    fakes.metrics.states = {"latency": "ALARM"}
    note = alarms.run(replace(examples.release(), fix_forward="an index"), shifting).note
    assert "latency fires; released all the same: an index" == note


def test_where_no_traffic_is_shifted_nothing_is_asked(fakes: Fakes, world: World) -> None:
    """A rolling update replaces what the alarm is about."""
    fakes.metrics.states = {"latency": "ALARM"}
    assert Status.SKIPPED is alarms.run(examples.release(), world).status
    assert [] == fakes.metrics.calls
