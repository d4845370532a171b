"""How a run is asked to stop: by a signal or by its own first failure.

A command passes through two states. Around a pipeline (`as_interrupts`) every signal is a KeyboardInterrupt: nothing is
half done there, and whatever `with` is open puts back what it holds. Inside one (`signals`) a signal is only noted.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


class Stop:
    """Asked to stop: seen by every wait through `event`, and by every child process through the listeners.

    `asked` says that a person or the machine asked, by a signal or `inv abort`; `seen` says who, where that is known.
    Handlers only set it, and the runner looks at it when
    it holds nothing half done: an exception thrown out of a handler could hit between a stage's end and the line that
    remembers to undo it, and `Event.set` there could wait for a lock that the interrupted code holds.
    """

    def __init__(self) -> None:
        self.event = threading.Event()
        self.asked = False
        self.seen = "asked to stop"
        self._listeners: list[Callable[[], object]] = []

    def listen(self, listener: Callable[[], object]) -> None:
        """Call `listener` when the run is asked to stop (to end child processes)."""
        self._listeners.append(listener)

    def abort(self, seen: str) -> None:
        """Ask in the name of somebody; `seen` says who and why."""
        self.seen = seen
        self.asked = True

    def set(self) -> None:
        """Ask every stage that runs to come to its end."""
        self.event.set()
        self.remind()

    def remind(self) -> None:
        """Tell the listeners again: a stage may have started another child process since."""
        for listener in self._listeners:
            listener()


def _numbers() -> list[signal.Signals]:
    """The signals that ask to stop. A SIGHUP that the caller ignores (`nohup`) stays ignored."""
    ignored = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    return [signal.SIGINT, signal.SIGTERM, *(() if ignored else (signal.SIGHUP,))]


@contextmanager
def _handling(handler: Callable[[int, FrameType | None], object]) -> Iterator[None]:
    """Let `handler` have the signals. Only the main thread may set handlers; another goes on without."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, handler) for number in _numbers()}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)


@contextmanager
def as_interrupts() -> Iterator[None]:
    """SIGTERM and SIGHUP raise KeyboardInterrupt, as Ctrl-C does, where no release is under way."""

    def interrupt(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        raise KeyboardInterrupt

    with _handling(interrupt):
        yield


@contextmanager
def signals(stop: Stop) -> Iterator[None]:
    """SIGTERM and SIGHUP mean the same as Ctrl-C while a release runs; a second one changes nothing.

    Whoever asks twice has been heard: putting back is under way and must not be cut off half way.
    """

    def ask(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        stop.asked = True

    with _handling(ask):
        yield
