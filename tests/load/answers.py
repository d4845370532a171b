"""What became of requests, and the figures that follow."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one request: a status, or the name of what went wrong, and seconds since it was due.

    `due` is the intended time of sending (seconds since 1970), `late_s` how much later than that the generator itself
    came to it. `color` and `release` are those that answered, where the answer says so. `key` is what makes the request
    unique, `stored` the id under which the site says that it keeps it, `said` how a bad answer begins.
    """

    outcome: str
    latency_s: float
    kind: str = "fresh"
    due: float = 0.0
    late_s: float = 0.0
    color: str = ""
    release: str = ""
    key: str = ""
    stored: str = ""
    said: str = ""

    @property
    def good(self) -> bool:
        """Whether who asked got what they asked for. No redirect is expected anywhere."""
        return self.outcome in ("200", "201")


@dataclass(slots=True)
class Seen:
    """What the load met. Dropped is every request that was not answered well."""

    answers: list[Answer] = field(default_factory=list)

    @property
    def sent(self) -> int:
        """How many requests were made."""
        return len(self.answers)

    @property
    def dropped(self) -> int:
        """How many of them failed whoever asked."""
        return sum(not answer.good for answer in self.answers)

    def failures(self) -> list[Answer]:
        """Those that failed, in the order in which they were due."""
        return sorted((answer for answer in self.answers if not answer.good), key=lambda answer: answer.due)

    def of(self, *kinds: str) -> Seen:
        """The part of these kinds."""
        return Seen([answer for answer in self.answers if answer.kind in kinds])

    def outcomes(self) -> dict[str, int]:
        """How often each outcome was met, the most frequent first."""
        return dict(Counter(answer.outcome for answer in self.answers).most_common())

    def percentile_ms(self, percent: float) -> float:
        """A latency that `percent` of the answered requests did not exceed (nearest rank); nan without any."""
        answered = sorted(answer.latency_s for answer in self.answers if answer.good)
        return 1000 * answered[max(0, math.ceil(percent / 100 * len(answered)) - 1)] if answered else math.nan

    def told(self) -> str:
        """One line for people."""
        bad = Seen(self.failures()).outcomes()
        why = f" ({', '.join(f'{count} {outcome}' for outcome, count in bad.items())})" if bad else ""
        latencies = ", ".join(f"p{percent} {self.percentile_ms(percent):.0f} ms" for percent in (50, 99, 100))
        return f"{self.dropped} of {self.sent} requests dropped{why}; {latencies}"

    def write(self, file: Path) -> None:
        """Keep every request, a line each (JSON), in the order in which they were due."""
        lines = (json.dumps(asdict(answer)) for answer in sorted(self.answers, key=lambda answer: answer.due))
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")


def together(parts: Sequence[Seen]) -> Seen:
    """All that several loads met."""
    return Seen([answer for part in parts for answer in part.answers])
