"""What was measured, as values: samples, ratios against a goal, the table and the JSON. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

NOT_MEASURED = "NOT MEASURED"


@dataclass(frozen=True, slots=True)
class Samples:
    """Repetitions of one thing, whole-process wall time in seconds. `of` names the thing."""

    of: str
    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """The figure that is told."""
        return statistics.median(self.seconds)

    def told(self) -> str:
        """Median and range: `1.25 s (1.20–1.40, n=3)`; one repetition has no range.

        >>> Samples("x", (1.2, 1.4, 1.25)).told()
        '1.25 s (1.20–1.40, n=3)'
        >>> Samples("x", (212.04,)).told()
        '212.0 s (n=1)'
        """
        digits = 1 if self.median >= 10 else 2
        least, most = min(self.seconds), max(self.seconds)
        spread = f"{least:.{digits}f}–{most:.{digits}f}, " if len(self.seconds) > 1 else ""
        return f"{self.median:.{digits}f} s ({spread}n={len(self.seconds)})"


@dataclass(frozen=True, slots=True)
class Goal:
    """The most seconds that the median may take, and the most it may be of what it is compared with."""

    most_s: float | None = None
    most_ratio: float | None = None

    def told(self) -> str:
        """The goal as the issue words it.

        >>> Goal(20, 0.5).told()
        '≤ 20 s, ≤ 0.5 ×'
        """
        parts = [f"≤ {self.most_s:g} s"] if self.most_s is not None else []
        parts += [f"≤ {self.most_ratio:g} ×"] if self.most_ratio is not None else []
        return ", ".join(parts)


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table. `wrong` says why it could not be measured; `doubts` what speaks against the figure.

    `notes` are lines for people, `details` whatever a machine may want to look up.
    """

    measure: str
    goal: Goal
    ours: Samples | None = None
    other: Samples | None = None
    notes: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    wrong: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def ratio(self) -> float | None:
        """Median of ours over median of the other, from the same run."""
        if self.ours is None or self.other is None:
            return None
        return self.ours.median / self.other.median

    @property
    def holds(self) -> bool | None:
        """Whether the goal is met; None when that was not measured. A doubt is enough to say no."""
        if self.wrong or self.ours is None or (self.goal.most_ratio is not None and self.ratio is None):
            return None
        slow = self.goal.most_s is not None and self.ours.median > self.goal.most_s
        behind = self.goal.most_ratio is not None and self.ratio is not None and self.ratio > self.goal.most_ratio
        return not (slow or behind or self.doubts)


def table(figures: Sequence[Figure]) -> list[str]:
    """The lines of the report: a row a measure, then what has to be said about each."""
    head = ("measure", "ours", "other", "ratio", "goal", "holds")
    rows = [head, *(_row(figure) for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    for figure in figures:
        said = [*figure.notes, *(f"doubt: {doubt}" for doubt in figure.doubts)]
        said += [f"{NOT_MEASURED}: {figure.wrong}"] if figure.wrong else []
        lines += ["", f"{figure.measure}:", *(f"  {line}" for line in said)] if said else []
    return lines


def _row(figure: Figure) -> tuple[str, ...]:
    other = f"{figure.other.of} {figure.other.told()}" if figure.other else "–"
    return (
        figure.measure,
        figure.ours.told() if figure.ours else "–",
        other,
        "–" if figure.ratio is None else f"{figure.ratio:.2f}",
        figure.goal.told(),
        NOT_MEASURED if figure.holds is None else "yes" if figure.holds else "NO",
    )


def to_json(figure: Figure) -> dict[str, Any]:
    """The figure as reports/bench.json keeps it: seconds rounded to milliseconds, the verdict spelled out."""
    kept = asdict(figure)
    for side in ("ours", "other"):
        samples: Samples | None = getattr(figure, side)
        if samples:
            kept[side]["seconds"] = [round(second, 3) for second in samples.seconds]
            kept[side] |= {"median": round(samples.median, 3), "min": min(kept[side]["seconds"])}
            kept[side] |= {"max": max(kept[side]["seconds"])}
    ratio = None if figure.ratio is None else round(figure.ratio, 3)
    return {**kept, "ratio": ratio, "holds": figure.holds}


def from_json(kept: Mapping[str, Any]) -> Figure:
    """Read back what `to_json` wrote, for the table of a run that measured the rest."""

    def samples(side: Mapping[str, Any] | None) -> Samples | None:
        return Samples(side["of"], tuple(side["seconds"])) if side else None

    return Figure(
        measure=kept["measure"],
        goal=Goal(**kept["goal"]),
        ours=samples(kept["ours"]),
        other=samples(kept["other"]),
        notes=tuple(kept["notes"]),
        doubts=tuple(kept["doubts"]),
        wrong=kept["wrong"],
        details=kept["details"],
    )


def calls_table(counts: Mapping[str, Mapping[str, int]]) -> list[str]:
    """AWS requests by operation, a column for each deploy that was counted, the totals last."""
    operations = sorted({operation for calls in counts.values() for operation in calls})
    rows = [("AWS calls", *counts)]
    rows += [(operation, *_cells(calls.get(operation, 0) for calls in counts.values())) for operation in operations]
    rows += [("in all", *_cells(sum(calls.values()) for calls in counts.values()))]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join([row[0].ljust(widths[0]), *(cell.rjust(w) for cell, w in zip(row[1:], widths[1:], strict=True))])
        for row in rows
    ]


def _cells(numbers: Iterable[int]) -> Iterable[str]:
    return (str(number or "–") for number in numbers)
