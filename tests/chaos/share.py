"""Which requests may have failed: those that the weights sent to a release that answers with errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tests.chaos.weights import SETTLE_S, Look, most
from tests.load.answers import Answer


@dataclass(frozen=True, slots=True)
class Attempt:
    """One release: whether it answers visitors with errors, when it ran (seconds since 1970), the color it went to."""

    harms: bool
    begin: float
    end: float
    color: str


def allowed(answer: Answer, looks: Sequence[Look], attempts: Sequence[Attempt]) -> bool:
    """Whether a request may have failed: as such a release fails, and while that had a share of the traffic."""
    end = answer.due + answer.latency_s
    return answer.outcome == "500" and any(
        attempt.harms
        and attempt.begin <= answer.due <= attempt.end
        and most(looks, attempt.color, answer.due - SETTLE_S, end + SETTLE_S) > 0
        for attempt in attempts
    )
