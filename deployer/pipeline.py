"""The runner that takes a release through a pipeline.

A pipeline is a tuple of stages whose `needs` make a DAG (`deployer.stage`). The runner starts every stage whose needs
are met, merges what a stage learned into the release, and on the first failure starts nothing new, lets what runs come
to its end, and undoes what was done, in reverse. Once a final stage has begun, the release is proven and nothing is
undone any more. The verdict follows from what happened, not from what was meant.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

from deployer import disk, meaning
from deployer.errors import DeployError, Interrupted, StateUncertain
from deployer.model import Outcome, Release, StageResult, Status
from deployer.ports import World
from deployer.stage import Close, Events, Report, Stage, check, critical_path, is_ready
from deployer.stop import Stop, signals

__all__ = ["Events", "Report", "Stage", "Stop", "check", "critical_path", "execute"]


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
    is not a DeployError is a bug: what was done is undone and `finish` is told, then it is raised.
    """
    check(stages)
    course = _Course(stages, release, world, events, stop)
    with signals(stop):
        try:
            course.run()
            with world.clock.shield():
                error = course.put_back()
                report = finish(course.report(error))
                course.close_journal(report)
        finally:
            with world.clock.shield():
                course.close()
    if course.error is not None and meaning.is_bug(course.error) and not isinstance(error, StateUncertain):
        raise course.error
    return report


class _Course:
    """One release on its way; touched by the runner's own thread only."""

    def __init__(self, stages: Sequence[Stage], release: Release, world: World, events: Events, stop: Stop) -> None:
        self._stages = stages
        self._release = release
        self._world = world
        self._events = events
        self._stop = stop
        self._begun = world.clock.monotonic()
        self._done: list[tuple[Stage, Outcome]] = []
        self._running: dict[Future[Outcome], tuple[Stage, float]] = {}
        self._results: dict[str, StageResult] = {}
        self._waiting = list(stages)
        self._final: Stage | None = None
        self._told = False
        self.error: BaseException | None = None

    def run(self) -> None:
        """Start what is ready until nothing is left or something failed; returns when no stage runs any more."""
        with ThreadPoolExecutor(max_workers=max(1, len(self._stages)), thread_name_prefix="stage") as pool:
            try:
                while self._waiting or self._running:
                    if self._stop.asked:
                        self._asked()
                    self._start_ready(pool)
                    if not self._running:
                        return
                    # Short waits: a signal is looked at between them, and stages that still run are reminded to stop.
                    ended, _ = wait(self._running, timeout=0.2, return_when=FIRST_COMPLETED)
                    if self._stop.event.is_set():
                        self._stop.remind()
                    for future in ended:
                        self._events.ended(self._settle(future))
            except BaseException as ours:  # noqa: BLE001 - kept in `error`: what runs still has to end, then to be undone
                self._failed(ours)
                while wait(self._running, timeout=0.2).not_done:
                    if self._stop.event.is_set():
                        self._stop.remind()
                for future in list(self._running):
                    self._settle(future)

    def _start_ready(self, pool: ThreadPoolExecutor) -> None:
        names = {stage.name for stage in self._stages}
        for stage in [s for s in self._waiting if self.error is None and is_ready(s, self._results, names)]:
            self._waiting.remove(stage)
            self._events.started(stage.name)
            started = self._world.clock.monotonic()
            self._final = stage if stage.final else self._final
            self._running[pool.submit(stage.run, self._release, self._own(stage))] = (stage, started)

    def _skip(self, names: Collection[str], by: Stage) -> None:
        """Nothing is left to do for the stages called `names`; what comes after them may start."""
        for stage in [stage for stage in self._waiting if stage.name in names]:
            self._waiting.remove(stage)
            result = StageResult(stage.name, Status.SKIPPED, 0.0, f"settled by {by.name}")
            self._results[stage.name] = result
            self._events.ended(result)

    def _own(self, stage: Stage) -> World:
        """The world, in which `say` tells who speaks."""
        return replace(self._world, say=lambda line: self._events.said(stage.name, line))

    def _asked(self) -> None:
        """Whoever asks before the last proof gets everything put back; after it there is nothing to go back to."""
        if self._final is None:
            self._failed(Interrupted("run to the end", self._stop.seen))
        elif not self._told:
            self._told = True
            words = f"{self._stop.seen}, but the release is proven: it is finished, not put back"
            self._events.said(self._final.name, words)

    def _failed(self, error: BaseException) -> None:
        """The first failure counts, unless a later one is worse: then users may be harmed."""
        error = disk.told(error)
        if self.error is None:
            self.error = error
            if self._final is None:
                self._stop.set()  # what still runs is of no use any more
        elif not isinstance(error, Interrupted) and meaning.gravity(error) > meaning.gravity(self.error):
            self.error = error

    def _settle(self, future: Future[Outcome]) -> StageResult:
        stage, started = self._running.pop(future)
        cut_off = self.error is not None
        raised = future.exception()
        error = disk.told(raised) if raised else None
        status, note = Status.FAILED, ""
        if error is None:
            outcome = future.result()
            self._done.append((stage, outcome))
            status, note = outcome.status, outcome.note
            try:
                learned: dict[str, Any] = dict(outcome.learned)
                self._release = replace(self._release, **learned)
                self._skip(outcome.settled, stage)
            except TypeError as unknown:
                error, status = unknown, Status.FAILED
        if error is not None:
            self._failed(error)
            note = meaning.seen(error)
            if cut_off and isinstance(error, Interrupted):
                status, note = Status.SKIPPED, "stopped"
        took = round(self._world.clock.monotonic() - started, 2)
        result = StageResult(stage.name, status, took, note)
        self._results[stage.name] = result
        return result

    def put_back(self) -> DeployError | None:
        """After a failure undo what was done, in reverse, and say what the failure now means; None without one.

        What fails in a final stage, or beside it in our own thread, makes a proven release no worse.
        """
        if self.error is None or self._final is not None:
            return None
        undone = False
        for stage, outcome in reversed(self._done):
            if stage.undo is None:
                continue
            started = self._world.clock.monotonic()
            stuck = None
            try:
                stage.undo(self._release, outcome, self._own(stage))
            except Exception as failure:  # noqa: BLE001 - whatever it was, nobody knows now what serves
                stuck = meaning.stuck(stage, disk.told(failure), self.error)
            took = round(self._world.clock.monotonic() - started, 2)
            status, note = (Status.FAILED, stuck.seen) if stuck else (Status.UNDONE, "put back")
            result = replace(self._results[stage.name], status=status, duration_s=took, note=note)
            self._results[stage.name] = result
            self._events.ended(result)
            if stuck:
                return stuck
            undone = True
        kept = [stage.name for stage, outcome in self._done if stage.stays and outcome.status is Status.OK]
        return meaning.of(self.error, self._stop.seen, undone=undone, kept=kept)

    def report(self, error: DeployError | None) -> Report:
        """What is to be told and written down."""
        results = tuple(self._results[stage.name] for stage in self._stages if stage.name in self._results)
        duration_s = round(self._world.clock.monotonic() - self._begun, 2)
        return Report(self._release, meaning.verdict(error), duration_s, results, error)

    def close_journal(self, report: Report) -> None:
        """The last word. Where nobody knows what serves the page stays open: the next command puts things right.

        So does that of a recovery which did not come to its end, whatever kept it from that.
        """
        page = self._world.journal.page
        if isinstance(report.error, StateUncertain) or (page is not None and page.recovers):
            return
        try:
            code = report.error.exit_code if report.error else 0
            self._world.journal.end(report.verdict, code, report.reason)
        except DeployError as error:
            self._events.said("lock", f"the journal could not be closed: {error.seen}; the next command looks after it")

    def close(self) -> None:
        """Give back what stages hold, all of it, even when one cannot."""
        with ExitStack() as held:
            for stage, _ in self._done:
                if stage.close:
                    held.callback(self._close, stage.name, stage.close)

    def _close(self, name: str, close: Close) -> None:
        try:
            close(self._world)
        except DeployError as error:
            self._events.said(name, f"could not be given back: {error.seen}")
