"""Which files changed, told as soon as the kernel says so (watchfiles; it polls where the kernel is silent).

Editors' backup files, caches and .git are left out by its default filter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

DEBOUNCE_MS = 400
"""Changes go on being collected for so long while more come in (a checkout of another branch)."""
STEP_MS = 30
LOOK_UP_MS = 200
"""How often the caller gets to look at something else."""


@dataclass(frozen=True, slots=True)
class _Until:
    """A threading.Event as watchfiles wants to be given one."""

    over: Callable[[], bool]

    def is_set(self) -> bool:
        return self.over()


def changes(folders: Sequence[Path], over: Callable[[], bool]) -> Iterator[frozenset[Path]]:
    """Sets of files under `folders` that were written, made or removed, until `over` says so.

    An empty set comes when nothing happened for a moment; after the first one no change goes unseen.
    """
    from watchfiles import watch

    for seen in watch(
        *folders,
        stop_event=_Until(over),
        debounce=DEBOUNCE_MS,
        step=STEP_MS,
        rust_timeout=LOOK_UP_MS,
        yield_on_timeout=True,
        raise_interrupt=False,
    ):
        yield frozenset(Path(path) for _, path in seen)
