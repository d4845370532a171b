"""Real signals: they ask once, are restored afterwards, and nohup's stays ignored."""

from __future__ import annotations

import signal
import threading

import pytest

from deployer.stop import Stop, as_interrupts, signals

NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
pytestmark = pytest.mark.usefixtures("signal_defaults")


@pytest.mark.parametrize("number", NUMBERS)
def test_every_signal_asks(number: signal.Signals) -> None:
    """Ctrl-C, kill and a closed terminal mean the same, and twice means no more than once."""
    stop = Stop()

    with signals(stop):
        before = stop.asked
        signal.raise_signal(number)
        signal.raise_signal(number)

    assert (False, True) == (before, stop.asked)


def test_handlers_are_restored() -> None:
    """After the run Ctrl-C means again what it meant before, also when the run raises."""
    before = [signal.getsignal(number) for number in NUMBERS]

    held = signals(Stop())
    held.__enter__()
    during = [signal.getsignal(number) for number in NUMBERS]
    swallowed = held.__exit__(RuntimeError, RuntimeError("a bug"), None)

    assert not swallowed
    assert before == [signal.getsignal(number) for number in NUMBERS] != during


def test_an_ignored_hangup_stays_ignored() -> None:
    """`nohup inv deploy` survives the terminal."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    stop = Stop()

    with signals(stop):
        signal.raise_signal(signal.SIGHUP)

    assert not stop.asked


def test_another_thread_sets_no_handlers() -> None:
    """Python allows it in the main thread only; a run elsewhere goes on without."""
    during: list[bool] = []

    def run() -> None:
        with signals(Stop()):
            during.append(before == [signal.getsignal(number) for number in NUMBERS])

    before = [signal.getsignal(number) for number in NUMBERS]
    thread = threading.Thread(target=run)
    thread.start()
    thread.join(10)

    assert [True] == during


def test_listeners_are_told_at_once_and_again() -> None:
    """A stage may have started another program since."""
    told: list[str] = []
    stop = Stop()
    stop.listen(lambda: told.append("a"))
    stop.listen(lambda: told.append("b"))

    stop.set()
    stop.remind()

    assert (True, ["a", "b", "a", "b"]) == (stop.event.is_set(), told)


@pytest.mark.parametrize("number", NUMBERS)
def test_where_no_release_is_under_way_every_signal_interrupts(number: signal.Signals) -> None:
    """`kill` of a command that reads, waits or sets up is Ctrl-C: what it opened is closed."""
    before = [signal.getsignal(number) for number in NUMBERS]

    with pytest.raises(KeyboardInterrupt), as_interrupts():
        signal.raise_signal(number)

    assert before == [signal.getsignal(number) for number in NUMBERS]
