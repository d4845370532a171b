"""Does the traffic follow the weights: Pearson's chi-square test of who answered against what the listener said."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.chaos.weights import Held
from tests.load.answers import Answer

FEWEST = 5
"""Fewer expected answers than this in any color, and the test says nothing (Cochran's rule)."""


@dataclass(frozen=True, slots=True)
class Split:
    """One split that was held, who answered meanwhile, and how probable that is (`p`; nan where it says nothing)."""

    weights: Mapping[str, int]
    seconds: float
    counts: dict[str, int]
    p: float

    def told(self) -> str:
        """One line for people."""
        counts = ", ".join(f"{color} {count}" for color, count in sorted(self.counts.items()))
        name = ", ".join(f"{color} {weight}" for color, weight in sorted(self.weights.items()))
        return f"{name}: {self.seconds:.1f} s, answered by {counts}; p = {self.p:.3f}"


def splits(looked: Sequence[Held], answers: Sequence[Answer]) -> list[Split]:
    """One for each split; of the answers those that came from a color, and began and ended while it was held."""
    found = []
    for held in looked:
        inside = [a for a in answers if a.color and held.begin <= a.due and a.due + a.latency_s <= held.end]
        counts = {**dict.fromkeys(held.weights, 0), **Counter(answer.color for answer in inside)}
        found.append(Split(held.weights, held.end - held.begin, counts, p_value(counts, held.weights)))
    return found


def p_value(counts: dict[str, int], weights: Mapping[str, int]) -> float:
    """The probability of counts this far from the weights, or farther, when requests are drawn by these weights.

    0 when a color without weight has answered. Two colors: one degree of freedom, where the chi-square distribution's
    tail is erfc(sqrt(x / 2)) (Abramowitz and Stegun, 26.4.3 and 7.1.2).

    >>> round(p_value({"blue": 60, "green": 40}, {"blue": 50, "green": 50}), 4)
    0.0455
    >>> p_value({"blue": 99, "green": 1}, {"blue": 100, "green": 0})
    0.0
    """
    total, whole = sum(counts.values()), sum(weights.values())
    if any(count and not weights.get(color) for color, count in counts.items()):
        return 0.0
    expected = {color: total * weight / whole for color, weight in weights.items() if weight}
    if len(expected) < 2:
        return 1.0 if total else math.nan
    if len(expected) > 2 or min(expected.values()) < FEWEST:
        return math.nan
    x = sum((counts.get(color, 0) - wanted) ** 2 / wanted for color, wanted in expected.items())
    return math.erfc(math.sqrt(x / 2))
