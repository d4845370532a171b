"""CloudWatch as its documentation describes it, under an Application Load Balancer, in simulated time.

Nothing here can reach AWS, and the local cloud publishes its metrics every second: this is what stands in for the pace.
A load balancer's datum is of one minute, counts that are zero are not published, host counts are, and a minute appears
`late_s` after its end. A longer period is answered from what has appeared so far.
Source: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-cloudwatch-metrics.html and
the API pages of GetMetricData and MetricStat.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from deployer.model import Color

MINUTE_S = 60


@dataclass
class Minute:
    """What one target group did in one minute."""

    requests: int = 0
    errors: int = 0
    seconds: list[float] = field(default_factory=list)


@dataclass
class Site:
    """A site with `rate` visitors a second; `broken` is the share of 5xx answers and `slow_s` the p95 of each color.

    Its first `lost` requests never get into a metric.
    """

    rate: float
    seed: int
    late_s: float = 120.0
    broken: Mapping[Color, float] = field(default_factory=dict)
    slow_s: Mapping[Color, float] = field(default_factory=dict)
    lost: int = 0

    def __post_init__(self) -> None:
        self._drawn = random.Random(self.seed)  # noqa: S311 - visitors, no secrets
        self._minutes: dict[Color, dict[int, Minute]] = {color: defaultdict(Minute) for color in Color}
        self._owed = 0.0

    def pass_second(self, now: float, weights: Mapping[Color, int]) -> None:
        """Let the visitors of one second come, split by `weights`."""
        self._owed += self.rate
        while self._owed >= 1:
            self._owed -= 1
            self.visit(now, weights)

    def visit(self, now: float, weights: Mapping[Color, int]) -> None:
        """One request through the listener that visitors use."""
        green = self._drawn.random() * 100 < weights[Color.GREEN]
        self.ask(now, Color.GREEN if green else Color.BLUE)

    def ask(self, now: float, color: Color) -> None:
        """One request that this color gets."""
        if self.lost > 0:
            self.lost -= 1
            return
        minute = self._minutes[color][int(now // MINUTE_S)]
        minute.requests += 1
        minute.errors += self._drawn.random() < self.broken.get(color, 0.0)
        minute.seconds.append(self._drawn.uniform(0.5, 1.02) * self.slow_s.get(color, 0.05))

    def client(self, now: Callable[[], float], groups: Mapping[str, Color], alarms: Sequence[str]) -> Any:
        """boto3's client of CloudWatch, as far as the deployer uses it; every alarm of `alarms` is OK."""
        states = [{"AlarmName": name, "StateValue": "OK"} for name in alarms]
        pages = SimpleNamespace(paginate=lambda **_: [{"MetricAlarms": states}])

        def get_metric_data(**asked: Any) -> Any:
            assert "TimestampAscending" == asked["ScanBy"]
            window = asked["StartTime"].timestamp(), asked["EndTime"].timestamp()
            queries = asked["MetricDataQueries"]
            return {"MetricDataResults": [self._result(query, *window, now(), groups) for query in queries]}

        return SimpleNamespace(get_paginator=lambda _: pages, get_metric_data=get_metric_data)

    def _result(self, query: Any, start: float, end: float, now: float, groups: Mapping[str, Color]) -> Any:
        stat = query["MetricStat"]
        dimensions = {one["Name"]: one["Value"] for one in stat["Metric"]["Dimensions"]}
        name, period = stat["Metric"]["MetricName"], stat["Period"]
        assert period % MINUTE_S == 0, "a load balancer has no datum of less than a minute"
        assert query["MetricStat"]["Stat"] in {"Sum", "Minimum", "p95", "SampleCount"}
        values, times = [], []
        for begin in range(int(start // period) * period, int(end), period):
            shown = [
                n for n in range(begin // MINUTE_S, (begin + period) // MINUTE_S) if self._shown(n, start, end, now)
            ]
            if "TargetGroup" not in dimensions or not shown:
                continue  # of the load balancer's own errors there are none
            minutes = [self._minutes[groups[dimensions["TargetGroup"]]][n] for n in shown]
            value = _value(name, stat["Stat"], minutes)
            if value is not None:
                values.append(value)
                times.append(datetime.fromtimestamp(begin, UTC))
        return {"Id": query["Id"], "Values": values, "Timestamps": times}

    def _shown(self, minute: int, start: float, end: float, now: float) -> bool:
        begin = minute * MINUTE_S
        return start <= begin < end and now >= begin + MINUTE_S + self.late_s


def _value(name: str, stat: str, minutes: Sequence[Minute]) -> float | None:
    seconds = sorted(each for minute in minutes for each in minute.seconds)
    if name == "HealthyHostCount":
        return 2.0
    if name == "TargetResponseTime":
        if not seconds:
            return None
        return float(len(seconds)) if stat == "SampleCount" else seconds[int(0.95 * (len(seconds) - 1))]
    counted = sum(minute.requests if name == "RequestCount" else minute.errors for minute in minutes)
    return float(counted) if counted else None
