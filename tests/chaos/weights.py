"""What the load balancer was told and when: the public listener's weights, asked of ELBv2 all the while."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

EVERY_S = 0.2
SETTLE_S = 0.5
"""HAProxy draws by new weights at most this long after ELBv2 has them (measured: 0.15 s)."""

Weights = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Look:
    """The split at one time (seconds since 1970): weight by color."""

    at: float
    weights: Weights


@dataclass(frozen=True, slots=True)
class Held:
    """A split that was in force from `begin` to `end`, as seen from both sides: without the time of the change."""

    begin: float
    end: float
    weights: Weights


def held(looks: Sequence[Look], settle_s: float = SETTLE_S) -> list[Held]:
    """The splits that were seen, one after the other; what ended before it had settled is left out."""
    found: list[Held] = []
    for look in looks:
        if found and found[-1].weights == look.weights:
            found[-1] = Held(found[-1].begin, look.at, look.weights)
        else:
            found.append(Held(look.at + settle_s, look.at, look.weights))
    return [one for one in found if one.end > one.begin]


def most(looks: Sequence[Look], color: str, begin: float, end: float) -> int:
    """The largest weight that `color` may have had at some time from `begin` to `end`."""
    before = [look for look in looks if look.at <= begin][-1:]
    after = [look for look in looks if look.at >= end][:1]
    between = [look for look in looks if begin < look.at < end]
    return max((look.weights.get(color, 0) for look in (*before, *between, *after)), default=100)


@contextmanager
def watch(elbv2: Any, listener: str, groups: Mapping[str, str]) -> Iterator[list[Look]]:
    """Look while the block runs; `groups` maps a color to its target group. What cannot be read is no look."""
    over, looks = threading.Event(), list[Look]()

    def work() -> None:
        while not over.is_set():
            try:
                found = elbv2.describe_listeners(ListenerArns=[listener])["Listeners"][0]["DefaultActions"]
            except Exception:  # noqa: BLE001 - a cloud that does not answer for a moment is seen by the load
                over.wait(EVERY_S)
                continue
            forward = found[0].get("ForwardConfig", {}).get("TargetGroups", [])
            weight = {one["TargetGroupArn"]: one["Weight"] for one in forward}
            looks.append(Look(time.time(), {color: weight.get(arn, 0) for color, arn in groups.items()}))
            over.wait(EVERY_S)

    thread = threading.Thread(target=work, daemon=True, name="weights")
    thread.start()
    try:
        yield looks
    finally:
        over.set()
        thread.join()
