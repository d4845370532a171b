"""How many AWS calls a release may make: the one place that says so, asked by e2e, chaos and the benchmark.

A release prints its number; Terraform's own calls are not among it. Part of it is made once, whatever a release takes.
The rest is waiting, which asks: whether somebody wants it aborted (every 2 s) and for the lease (every 20 s), all the
time; in the stage deploy how far a roll-out is (every 0.02 s at first, then every 2 s), and while two colors share the
traffic, once a second, for weights, tasks, targets, alarms and figures. So a limit is a number, and a rate for each of
the two kinds of seconds: no test fails because a machine is slow.

How they were chosen: measured on the local cloud (`MEASURED`), and about half as much again; a unit test sees to that.
What looks at everything twice is over the limit, and so is a wait that does not slow down.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

PRINTED = re.compile(r"; (\d+) AWS calls$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Limit:
    """The most calls of one kind of run: `once`, and for each second of the stage deploy and of the rest."""

    once: int
    deploying_per_s: float
    waiting_per_s: float = 0.8

    def most(self, run_s: float, deploy_s: float) -> float:
        """The most for a run of `run_s` seconds, `deploy_s` of them in the stage deploy."""
        return self.once + self.deploying_per_s * deploy_s + self.waiting_per_s * (run_s - deploy_s)

    def excess(self, answer: Mapping[str, Any]) -> tuple[str, ...]:
        """Say that a run made too many, by what `--json` says of it; nothing when it did not."""
        made = sum(answer["aws_calls"].values())
        deploy_s = sum(stage["duration_s"] for stage in answer["stages"] if stage["name"] == "deploy")
        most = self.most(answer["duration_s"], deploy_s)
        if made <= most:
            return ()
        often = sorted(answer["aws_calls"].items(), key=lambda call: -call[1])[:5]
        told = ", ".join(f"{name} {number}" for name, number in often)
        return (f"{made} AWS calls in {answer['duration_s']:.0f} s, {most:.0f} are the most: {told}",)


ROLLING = Limit(200, 3)
BLUE_GREEN = Limit(270, 8)
ROLLED_BACK = Limit(100, 3)
"""A rollback with the rolling strategy: no image, no plan, no migration. One of blue/green is like a release."""
NOTHING = Limit(32, 0)
"""A deploy of what serves already."""

MEASURED = {
    "the first release": (ROLLING, 205, 121.4, 1.2),
    "one backend line": (ROLLING, 143, 12.2, 1.2),
    "the first release of staging": (BLUE_GREEN, 305, 151.8, 13.3),
    "10, 50, 100 with 6 s each": (BLUE_GREEN, 439, 115.5, 35.0),
    "the same, the infrastructure unchanged": (BLUE_GREEN, 406, 78.2, 38.0),
    "back": (ROLLED_BACK, 69, 4.0, 1.0),
    "nothing changed": (NOTHING, 21, 0.7, 0.0),
}
"""Limit, calls, seconds of the run and of its stage deploy; development but for staging's, on 2 cores."""


def printed(stderr: str) -> int:
    """The number that a run has printed for people."""
    found = PRINTED.findall(stderr)
    assert 1 == len(found), stderr[-2000:]
    return int(found[0])
