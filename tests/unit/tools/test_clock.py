"""The system's clock: waits end when the run is asked to stop, except where something is put back."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime

import pytest

from deployer.errors import Interrupted
from deployer.tools.clock import SystemClock

LONG_S = 3600.0


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What would have been slept through to the end."""
    times: list[float] = []
    monkeypatch.setattr(time, "sleep", times.append)
    return times


def stopped() -> SystemClock:
    """The clock of a run that was asked to stop."""
    stop = threading.Event()
    stop.set()
    return SystemClock(stop)


def test_now_is_utc() -> None:
    """Comparable with what AWS says."""
    before, now, after = datetime.now(UTC), SystemClock().now(), datetime.now(UTC)

    assert before <= now <= after
    assert UTC is now.tzinfo


def test_monotonic_is_the_machine_s() -> None:
    """The same zero for everybody in this process."""
    before, now, after = time.monotonic(), SystemClock().monotonic(), time.monotonic()

    assert before <= now <= after


def test_a_wait_ends_with_the_run() -> None:
    """At once, not after an hour."""
    with pytest.raises(Interrupted):
        stopped().wait(LONG_S)


def test_a_wait_under_way_is_cut_off() -> None:
    """The stop comes from another thread while this one waits."""
    stop = threading.Event()
    timer = threading.Timer(0.01, stop.set)
    timer.start()

    with pytest.raises(Interrupted):
        SystemClock(stop).wait(LONG_S)

    timer.join()


def test_a_wait_without_a_stop_ends_by_itself() -> None:
    """And raises nothing."""
    begun = time.monotonic()

    SystemClock().wait(0.01)

    assert time.monotonic() - begun >= 0.01


def test_a_shielded_wait_is_waited_to_its_end(slept: list[float]) -> None:
    """Putting back must not be cut off half way."""
    shielded = stopped()

    with shielded.shield():
        shielded.wait(LONG_S)

    assert [LONG_S] == slept


def test_shields_nest(slept: list[float]) -> None:
    """The inner one does not end the outer one's."""
    shielded = stopped()

    with shielded.shield():
        with shielded.shield():
            shielded.wait(1.0)
        shielded.wait(2.0)

    assert [1.0, 2.0] == slept


def test_a_shield_ends(slept: list[float]) -> None:
    """Afterwards waits are cut off again, also when putting back raised."""
    shielded = stopped()

    with pytest.raises(KeyError), shielded.shield():
        raise KeyError
    with pytest.raises(Interrupted):
        shielded.wait(LONG_S)

    assert [] == slept


def test_a_shield_is_its_thread_s_own() -> None:
    """One stage that puts back does not make the others deaf."""
    shared = stopped()
    cut_off: list[Interrupted] = []

    def wait() -> None:
        try:
            shared.wait(LONG_S)
        except Interrupted as error:
            cut_off.append(error)

    with shared.shield():
        thread = threading.Thread(target=wait)
        thread.start()
        thread.join(10)

    assert 1 == len(cut_off)
