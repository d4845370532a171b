"""Which server line of which backend stands for which target, so that targets come and go without a reload."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from localcloud.extension.elb import State, Target, TargetGroup
from localcloud.extension.haproxy_config import Slot, Slots, backend, slot_count
from localcloud.extension.health import HealthBook

SETTLE_S = 0.3  # a request may have chosen a target just before it was set to drain


@dataclass(slots=True)
class _Place:
    """One taken slot; ``leaves_at`` is when a draining target is cut off, None while it is registered."""

    index: int
    mode: str = "maint"
    drained_since: float = 0.0
    leaves_at: float | None = None


class SlotTable:
    """The slots of every target group. Not thread-safe but for ``draining`` and ``busy``, which only read."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._places: dict[str, dict[Target, _Place]] = {}
        self._sizes: dict[str, int] = {}

    def update(self, state: State, health: HealthBook, flying: Mapping[tuple[str, str], int]) -> None:
        """Give new targets a slot, drain those that left, free what has drained; FLYING counts requests in progress."""
        now = self._clock()
        present = {group.arn: group for group in state.groups}
        self._places = {arn: self._places.get(arn, {}) for arn in present}
        for arn, group in present.items():
            places = dict(self._places[arn])
            for target in group.targets:
                place = places.setdefault(target, _Place(_free(places)))
                place.leaves_at = None
                place.mode = "ready" if health.of(group, target).state == "healthy" else "maint"
            for target, place in list(places.items()):
                if target not in group.targets:
                    self._drain(group, place, now)
                    idle = not flying.get((backend(arn), f"s{place.index}"), 0)
                    settled = now >= place.drained_since + SETTLE_S
                    if now >= (place.leaves_at or now) or (idle and settled):
                        del places[target]
            self._places[arn] = places
            taken = 1 + max((place.index for place in places.values()), default=-1)
            self._sizes[arn] = slot_count(max(taken, self._sizes.get(arn, 0)))

    def _drain(self, group: TargetGroup, place: _Place, now: float) -> None:
        if place.leaves_at is None:
            place.mode = "drain"
            place.drained_since = now
            place.leaves_at = now + group.deregistration_delay_s

    def rendered(self) -> Slots:
        """Every taken slot, as the configuration wants to know it."""
        return {
            arn: {place.index: Slot(target, place.mode) for target, place in places.items()}
            for arn, places in self._places.items()
        }

    def serving(self) -> frozenset[tuple[str, Target]]:
        """(target group ARN, target) of every slot that gets requests."""
        return frozenset(
            (arn, target)
            for arn, places in self._places.items()
            for target, place in places.items()
            if place.mode == "ready"
        )

    def vacant(self) -> list[tuple[str, int]]:
        """(target group ARN, slot number) of every slot without a target."""
        return [
            (arn, index)
            for arn, places in self._places.items()
            for index in range(self._sizes[arn])
            if index not in {place.index for place in places.values()}
        ]

    def sizes(self) -> dict[str, int]:
        """Target group ARN -> how many slots its backend has."""
        return {arn: self._sizes[arn] for arn in self._places}

    def any_draining(self) -> bool:
        """Whether any slot waits for requests to end."""
        return any(place.leaves_at is not None for places in self._places.values() for place in places.values())

    def draining(self, arn: str) -> list[Target]:
        """The targets of one group that left it and still finish requests."""
        return [target for target, place in list(self._places.get(arn, {}).items()) if place.leaves_at is not None]

    def busy(self, host: str) -> bool:
        """Whether a target at HOST has a slot, draining or not."""
        return any(target.host == host for places in list(self._places.values()) for target in list(places))


def _free(places: Mapping[Target, _Place]) -> int:
    taken = {place.index for place in places.values()}
    return next(index for index in range(len(taken) + 1) if index not in taken)
