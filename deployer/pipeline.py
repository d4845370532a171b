"""Stages, and the runner that takes a release through them.

A pipeline is a tuple of stages whose `needs` make a DAG. The runner starts every stage whose needs are met, merges
what a stage learned into the release, and on the first failure starts nothing new, lets what runs come to its end,
and undoes what was done, in reverse. The verdict follows from what happened, not from what was meant.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from types import FrameType
from typing import Protocol

from deployer.errors import DeployError, Interrupted, ReleaseFailed, RolledBack, StateUncertain
from deployer.model import Outcome, Release, StageResult, Status, Verdict
from deployer.ports import World

Run = Callable[[Release, World], Outcome]
Undo = Callable[[Release, Outcome, World], None]
Close = Callable[[World], None]


@dataclass(frozen=True, slots=True)
class Stage:
    """One named step: what must be done before it, what it does, and how that is undone.

    A stage that raises has already put back what it changed. Needs that are not part of the pipeline count as met.
    """

    name: str
    needs: tuple[str, ...]
    run: Run
    undo: Undo | None = None
    close: Close | None = None
    """Gives back what the stage holds, at the very end, whatever happened."""


class Events(Protocol):
    """Where the runner tells what happens; the console listens."""

    def started(self, stage: str) -> None:
        """A stage began."""
        ...

    def said(self, stage: str, line: str) -> None:
        """A stage reported progress."""
        ...

    def ended(self, result: StageResult) -> None:
        """A stage ended, or was undone."""
        ...


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a release. `error` is None exactly when `verdict` is GOOD."""

    release: Release
    verdict: Verdict
    duration_s: float
    results: tuple[StageResult, ...]
    error: DeployError | None = None

    @property
    def reason(self) -> str:
        """Why it ended as it did, in one line; empty when good."""
        return str(self.error) if self.error else ""


@dataclass(slots=True)
class _Course:
    """The state of one run; touched by the runner's own thread only."""

    release: Release
    done: list[tuple[Stage, Outcome]] = field(default_factory=list)
    results: dict[str, StageResult] = field(default_factory=dict)
    error: BaseException | None = None


class Stop:
    """Asked to stop: set by a signal or a failure, seen by every wait and every child process."""

    def __init__(self) -> None:
        self.event = threading.Event()
        self._listeners: list[Callable[[], None]] = []

    def listen(self, listener: Callable[[], None]) -> None:
        """Call `listener` when the run is asked to stop (to end child processes)."""
        self._listeners.append(listener)

    def set(self) -> None:
        """Ask every stage that runs to come to its end."""
        self.event.set()
        self.remind()

    def remind(self) -> None:
        """Tell the listeners again: a stage may have started another child process since."""
        for listener in self._listeners:
            listener()


def check(stages: Sequence[Stage]) -> None:
    """Raise ValueError when names repeat or needs run in a circle: a pipeline is checked when it is written."""
    names = [stage.name for stage in stages]
    if len(names) != len(set(names)):
        raise ValueError(f"stage names repeat: {names}")
    met: set[str] = set()
    left = list(stages)
    while left:
        ready = [stage for stage in left if _ready(stage, met, set(names))]
        if not ready:
            raise ValueError(f"needs run in a circle: {[stage.name for stage in left]}")
        met |= {stage.name for stage in ready}
        left = [stage for stage in left if stage.name not in met]


def execute(
    stages: Sequence[Stage],
    release: Release,
    world: World,
    events: Events,
    stop: Stop,
    finish: Callable[[Report], Report] = lambda report: report,
) -> Report:
    """Take `release` through `stages`; never raises a DeployError, it is in the report.

    `finish` sees the report while everything is still held (to write the ledger) and may change it. An exception that
    is not a DeployError is a bug: what was done is undone, then it is raised.
    """
    check(stages)
    begun = world.clock.monotonic()
    course = _Course(release)
    with _signals(stop):
        try:
            try:
                _run_all(stages, course, world, events, stop, begun)
            except KeyboardInterrupt as interrupt:
                course.error = interrupt
            with world.clock.shield():
                error = _put_back(course, world, events) if course.error else None
                return finish(_report(stages, course, error, round(world.clock.monotonic() - begun, 2)))
        finally:
            with world.clock.shield():
                for stage, _ in reversed(course.done):
                    if stage.close:
                        stage.close(world)


def _report(stages: Sequence[Stage], course: _Course, error: DeployError | None, duration_s: float) -> Report:
    results = tuple(course.results[stage.name] for stage in stages if stage.name in course.results)
    return Report(course.release, _verdict(error), duration_s, results, error)


def critical_path(stages: Sequence[Stage], results: Sequence[StageResult]) -> tuple[tuple[str, ...], float]:
    """The chain of needs that took longest, and its seconds: what the run could not have beaten with more hands."""
    took = {result.name: result.duration_s for result in results}
    best: dict[str, tuple[tuple[str, ...], float]] = {}

    def longest(name: str) -> tuple[tuple[str, ...], float]:
        if name not in best:
            stage = next(stage for stage in stages if stage.name == name)
            chains = [longest(need) for need in stage.needs if need in took]
            path, seconds = max(chains, key=lambda chain: chain[1], default=((), 0.0))
            best[name] = ((*path, name), seconds + took[name])
        return best[name]

    path, seconds = max((longest(name) for name in took), key=lambda chain: chain[1], default=((), 0.0))
    return path, round(seconds, 2)


def _ready(stage: Stage, met: set[str], names: set[str]) -> bool:
    return all(need in met for need in stage.needs if need in names)


def _run_all(
    stages: Sequence[Stage], course: _Course, world: World, events: Events, stop: Stop, begun: float
) -> None:
    names = {stage.name for stage in stages}
    waiting = list(stages)
    running: dict[Future[Outcome], tuple[Stage, float]] = {}
    with ThreadPoolExecutor(max_workers=max(1, len(stages)), thread_name_prefix="stage") as pool:
        try:
            while waiting or running:
                met = {stage.name for stage, _ in course.done}
                for stage in [s for s in waiting if course.error is None and _ready(s, met, names)]:
                    waiting.remove(stage)
                    events.started(stage.name)
                    own = replace(world, say=_saying(events, stage.name))
                    running[pool.submit(stage.run, course.release, own)] = (stage, world.clock.monotonic())
                if not running:
                    return
                # A bounded wait: Python delivers signals to the main thread only between bytecodes.
                ended, _ = wait(running, timeout=0.2, return_when=FIRST_COMPLETED)
                if course.error is not None:
                    stop.remind()
                for future in ended:
                    _settle(future, *running.pop(future), course, world, events, stop, begun)
        except KeyboardInterrupt as interrupt:
            course.error = interrupt
            _await_end(running, stop)
            for future in list(running):
                _settle(future, *running.pop(future), course, world, events, stop, begun)


def _await_end(running: Mapping[Future[Outcome], object], stop: Stop) -> None:
    stop.set()
    while wait(running, timeout=0.2).not_done:
        stop.remind()


def _settle(
    future: Future[Outcome],
    stage: Stage,
    started: float,
    course: _Course,
    world: World,
    events: Events,
    stop: Stop,
    begun: float,
) -> None:
    error = future.exception()
    took = round(world.clock.monotonic() - started, 2)
    if error is None:
        outcome = future.result()
        course.release = replace(course.release, **dict(outcome.learned))
        course.done.append((stage, outcome))
        result = StageResult(stage.name, outcome.status, took, outcome.note, round(started - begun, 2))
    else:
        first = course.error is None
        course.error = course.error or error
        if first:
            stop.set()  # what still runs is of no use any more
        cut_off = not first and isinstance(error, Interrupted)
        status = Status.SKIPPED if cut_off else Status.FAILED
        note = "stopped" if cut_off else (error.seen if isinstance(error, DeployError) else repr(error))
        result = StageResult(stage.name, status, took, note, round(started - begun, 2))
    course.results[stage.name] = result
    events.ended(result)


def _put_back(course: _Course, world: World, events: Events) -> DeployError:
    """Undo in reverse, and say what the failure now means."""
    undone = False
    for stage, outcome in reversed(course.done):
        if stage.undo is None:
            continue
        started = world.clock.monotonic()
        try:
            stage.undo(course.release, outcome, replace(world, say=_saying(events, stage.name)))
        except Exception as failure:
            raise_from = course.error
            seen = failure.seen if isinstance(failure, DeployError) else repr(failure)
            error = StateUncertain(
                f"put back what {stage.name} changed",
                f"{seen} (first failure: {raise_from})",
                "look at `inv status` and at the log; then `inv rollback` or page the operations team",
                details=failure.details if isinstance(failure, DeployError) else (),
            )
            error.__cause__ = failure
            return error
        undone = True
        took = round(world.clock.monotonic() - started, 2)
        result = StageResult(stage.name, Status.UNDONE, took, "put back")
        course.results[stage.name] = result
        events.ended(result)
    return _meaning(course.error, undone)


def _meaning(error: BaseException | None, undone: bool) -> DeployError:
    if isinstance(error, KeyboardInterrupt | Interrupted):
        return Interrupted("run to the end", "asked to stop", "what was changed has been put back")
    if not isinstance(error, DeployError):
        assert error is not None
        raise error
    if undone and not isinstance(error, ReleaseFailed | StateUncertain):
        put_back = RolledBack(
            error.attempted, error.seen, error.hint or "the version before serves again", details=error.details, log=error.log
        )
        put_back.__cause__ = error
        return put_back
    return error


def _verdict(error: DeployError | None) -> Verdict:
    if error is None:
        return Verdict.GOOD
    if isinstance(error, Interrupted):
        return Verdict.INTERRUPTED
    return Verdict.ROLLED_BACK if isinstance(error, RolledBack) else Verdict.FAILED


def _saying(events: Events, stage: str) -> Callable[[str], None]:
    return lambda line: events.said(stage, line)


@contextmanager
def _signals(stop: Stop) -> Iterator[None]:
    """SIGTERM and SIGHUP mean the same as Ctrl-C while a release runs; a second one changes nothing.

    Whoever asks twice has been heard: putting back is under way and must not be cut off half way. Only the main thread
    may set handlers.
    """

    def interrupt(number: int, frame: FrameType | None) -> None:
        if not stop.event.is_set():
            stop.set()
            raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
