"""The loop around `gates.decide`: reads the metrics when there can be new ones, sends probes where visitors are few.

One Watch for one release; `open` begins a window, `passed` is asked until it says so or raises. What was decided goes
to `world.decisions`, from there to the ledger.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime

from deployer.errors import DeployError, GateFailed, Interrupted, StateUncertain
from deployer.model import Color, Figures, Limits, Release
from deployer.ports import World
from deployer.strategies import gates
from deployer.strategies.gates import Decision, Word

LOOKS_PER_PERIOD = 4
"""On AWS, where a period is a minute, asking every second would cost money and tell nothing new."""

HOLD_PERIODS = 10
HOLD_S = 30.0
"""After its bake time a step may hold for ten periods, and no less than this, until it is rolled back."""

UNSEEN_PERIODS = 3
"""So many periods later a request is in the metrics."""

BATCH = 100
BATCH_S = 1.0
MOST_PROBES = 2000
"""Probes: so many at a time, for so long, and so many in one step through one listener."""


def patience_s(limits: Limits) -> float:
    """How long, in seconds, is waited for what the metrics should say soon."""
    return max(HOLD_S, HOLD_PERIODS * limits.period_s)


def accepted(release: Release, world: World) -> tuple[str, ...]:
    """The alarms that fire already and do not speak against this release: it is meant to end what they tell of."""
    return world.metrics.firing() if _mends(release) else ()


def _mends(release: Release) -> bool:
    """Whether it takes the place of one that is in trouble, whose errors say nothing against it then."""
    return bool(release.fix_forward) or release.kind == "rollback"


class Watch:
    """Watches the new color of `release`. `alone`: nothing else serves, so there is nothing to compare with.

    `ignored` alarms fired before the release began, which somebody has accepted.
    """

    def __init__(self, release: Release, world: World, *, alone: bool, ignored: Collection[str] = ()) -> None:
        self._release = release
        self._world = world
        self._alone = alone
        self._ignored = ignored
        self._limits = world.environment.limits

    def open(self, weights: Mapping[Color, int], bake_s: float) -> None:
        """Begin a window with the first full period from now on."""
        self._weights = dict(weights)
        self._bake_s = bake_s
        self._began = self._world.clock.monotonic()
        self._since = _full_period(self._world.lease.now(), self._limits.period_s)
        self._due = 0.0
        self._sent: dict[bool, list[tuple[float, int]]] = {True: [], False: []}
        self._green, self._blue = Figures(), Figures()
        self._alarms: Mapping[str, str] = {}

    def passed(self) -> bool:
        """Whether the bake time is over and the figures are good. Raises GateFailed for bad ones and for no verdict."""
        elapsed_s = self._world.clock.monotonic() - self._began
        self._probe(elapsed_s)
        if elapsed_s < self._due and elapsed_s < self._bake_s:
            return False
        self._due = elapsed_s + self._limits.period_s / LOOKS_PER_PERIOD
        decision = self._decide()
        hold_s = patience_s(self._limits)
        if decision.word is Word.HOLD and elapsed_s > self._bake_s + hold_s:
            reason = f"no verdict {hold_s:.0f} s after the bake time: {decision.reason}"
            decision = Decision(Word.FAIL, reason)
        if decision.word is Word.FAIL:
            self._record(decision, elapsed_s)
            raise GateFailed(f"give {self._release.color} {self._share}%", decision.reason, details=self._details())
        if decision.word is Word.HOLD or elapsed_s < self._bake_s:
            return False
        self._record(decision, elapsed_s)
        self._world.say(f"{self._share}%: {decision.reason}{self._ours()}")
        return True

    @property
    def _share(self) -> int:
        return self._weights[self._release.color]

    @property
    def _other_serves(self) -> bool:
        return not self._alone and self._weights[self._release.color.other] > 0

    def _decide(self) -> Decision:
        """Read and judge. What cannot be read is no reason to advance, and none to be harmed by either: it holds."""
        try:
            self._alarms = self._world.metrics.alarms()
            seen = self._world.metrics.figures(self._since, self._world.lease.now())
        except (Interrupted, StateUncertain):
            raise
        except DeployError as error:
            return Decision(Word.HOLD, f"the metrics cannot be read: {error}")
        self._green, self._blue = seen[self._release.color], seen[self._release.color.other]
        blue = self._blue if self._other_serves else None
        if blue and _mends(self._release) and not gates.sound(blue, self._limits):
            blue = None  # what is left because it is broken is no measure, and may have no data at all
        return gates.decide(self._counted, blue, self._alarms, self._limits, self._passed_over())

    @property
    def _counted(self) -> Figures:
        """The new color's figures, with the load balancer's own 5xx only where they may well be its fault.

        Not while it gets no visitors, and not while it takes the place of what is in trouble: an answer that never came
        (504) is counted up to a minute after the traffic has moved away.
        """
        return replace(self._green, own=0) if self._share == 0 or _mends(self._release) else self._green

    def _passed_over(self) -> Collection[str]:
        """Alarms that were accepted; the old color's once it gets no visitors; for what mends, all but its own color's.

        A color that has been left still ends the requests it had, the slow ones last: for a while they are all that its
        latencies are of, and nobody meets them any more. Going back to it would cure nothing.
        """
        own, other = str(self._release.color), str(self._release.color.other)
        named = {name: name.split("-") for name in self._alarms}
        if _mends(self._release):
            return {*self._ignored, *(name for name, words in named.items() if own not in words)}
        left = set() if self._other_serves else {name for name, words in named.items() if other in words}
        return {*self._ignored, *left}

    def _probe(self, elapsed_s: float) -> None:
        """Supply what visitors do not, from half of the bake time on: what nobody asks for cannot be judged."""
        if elapsed_s < self._bake_s / 2 or self._world.lease.now() < self._since:
            return
        rate = self._limits.error_rate_percent / 100
        wanted = max(gates.LATENCY_SAMPLES, gates.needed(rate, self._counted.failed))
        if self._alone:
            self._send(wanted, self._green.requests, 1.0, idle=False)
            return
        self._send(wanted, self._green.requests, 1.0, idle=True)
        if self._other_serves:
            # Half again as many: which color a request meets is drawn.
            share = self._weights[self._release.color.other] / 100
            self._send(math.ceil(1.5 * gates.LATENCY_SAMPLES), self._blue.requests, share, idle=False)

    def _send(self, wanted: int, seen: int, share: float, *, idle: bool) -> None:
        """Send what is lacking of `wanted` requests, of which `share` meet the color they are for.

        What was sent lately may not be among those that the metrics have `seen`: then what was sent counts.
        """
        now = self._world.clock.monotonic()
        sent = self._sent[idle]
        lately = bool(sent) and now - sent[-1][0] < UNSEEN_PERIODS * self._limits.period_s
        counted = max(seen, self._probes(idle) * share) if lately else seen
        count = min(math.ceil((wanted - counted) / share), BATCH, MOST_PROBES - self._probes(idle))
        if count > 0:
            sent.append((now, self._world.probe.sample(count, BATCH_S, idle=idle)))

    def _probes(self, idle: bool) -> int:
        return sum(count for _, count in self._sent[idle])

    def _ours(self) -> str:
        sent = self._probes(True) + self._probes(False)
        return f"; {sent} of all requests were probes of ours" if sent else ""

    def _details(self) -> tuple[str, ...]:
        blue = gates.told(self._blue) if self._other_serves else "gets no requests"
        lines = [f"new color: {gates.told(self._green)}", f"other color: {blue}"]
        lines += [f"alarm {name}: {state}" for name, state in sorted(self._alarms.items()) if state != "OK"]
        return (*lines, f"probes of ours: {self._probes(True)} to the new color, {self._probes(False)} to both")

    def _record(self, decision: Decision, elapsed_s: float) -> None:
        self._world.decisions.append(
            {
                "weight_percent": self._share,
                "verdict": str(decision.word),
                "reason": decision.reason,
                "since": self._since.isoformat(),
                "elapsed_s": round(elapsed_s, 1),
                "new": asdict(self._green),
                "other": asdict(self._blue) if self._other_serves else None,
                "probes": {"new": self._probes(True), "both": self._probes(False)},
                "alarms": {name: state for name, state in sorted(self._alarms.items()) if state != "OK"},
                "ignored_alarms": sorted(self._passed_over()),
            }
        )


def _full_period(now: datetime, period_s: float) -> datetime:
    """The next moment at which a period begins: before it, requests of another split are in the same datum."""
    return datetime.fromtimestamp(math.ceil(now.timestamp() / period_s) * period_s, UTC)
