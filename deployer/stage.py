"""What a pipeline is made of: stages whose `needs` make a DAG, who listens to them, and what is told at the end."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from deployer.errors import DeployError
from deployer.model import Outcome, Release, StageResult, Verdict
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
    stays: bool = False
    """Whether it changes what no undo puts back (infrastructure, schema): what fails later is no mere gate."""
    final: bool = False
    """Whether the release is proven once this begins: it takes away what undoing would lead back to. From then on
    nothing is undone, and whoever asks to stop has to let it finish. It comes after every other stage."""


class Events(Protocol):
    """Where the runner tells what happens; the console listens. Telling never raises, wherever stderr leads."""

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


def check(stages: Sequence[Stage]) -> None:
    """Raise ValueError when names repeat or needs run in a circle: a pipeline is checked when it is written."""
    names = [stage.name for stage in stages]
    if len(names) != len(set(names)):
        raise ValueError(f"stage names repeat: {names}")
    met: set[str] = set()
    left = list(stages)
    while left:
        ready = [stage for stage in left if is_ready(stage, met, names)]
        if not ready:
            raise ValueError(f"needs run in a circle: {[stage.name for stage in left]}")
        met |= {stage.name for stage in ready}
        left = [stage for stage in left if stage.name not in met]
    for stage in stages:
        beside = set(names) - _before(stage, stages) - {stage.name} if stage.final else set()
        if beside:
            raise ValueError(f"{stage.name} is final, but need not wait for: {sorted(beside)}")


def _before(stage: Stage, stages: Sequence[Stage]) -> set[str]:
    """The names of all that have ended when `stage` begins."""
    found = set(stage.needs)
    while more := {need for other in stages if other.name in found for need in other.needs} - found:
        found |= more
    return found


def is_ready(stage: Stage, met: Collection[str], names: Collection[str]) -> bool:
    """Whether every need of `stage` that is among `names` is among the `met`."""
    return all(need in met for need in stage.needs if need in names)


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
