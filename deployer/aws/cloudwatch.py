"""Metrics: the state of the environment's alarms, and what each color's visitors met, through the CloudWatch API.

Names, dimensions and statistics: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/
load-balancer-cloudwatch-metrics.html. A count that is zero is not published; host counts always are, so the newest of
those tells how fresh the metrics are.
"""

from __future__ import annotations

import math
import re
from datetime import timedelta
from typing import TYPE_CHECKING

from deployer.aws.elbv2 import PUBLIC_SERVICE
from deployer.aws.faults import mapped
from deployer.model import Color, Figures

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from mypy_boto3_cloudwatch.type_defs import MetricAlarmTypeDef, MetricDataQueryTypeDef, MetricDataResultTypeDef

    from deployer.aws.session import Session
    from deployer.model import Topology

NAMESPACE = "AWS/ApplicationELB"
LATENCY = "TargetResponseTime"
MISSING = "missing"
FEW = "few"
OURS = re.compile(r"(?:balancer|blue|green)-errors|(?:blue|green)-latency|[a-z]+-(?:blue|green)-hosts")
"""How Terraform's module `monitoring` names alarms, after the prefix. Others are not about releases."""

SHORT_PERIODS_S = (1, 5, 10, 20, 30)
"""Below a minute CloudWatch takes these periods alone, else multiples of a minute (API page of MetricStat)."""

Dimensions = dict[str, str]


class CloudWatch:
    """Fills ports.Metrics."""

    def __init__(self, session: Session, topology: Callable[[], Topology]) -> None:
        self._session = session
        self._topology = topology

    def alarms(self) -> Mapping[str, str]:
        """Read the states of the alarms that Terraform made, and of no other; one that is gone is missing."""
        states = self._states()
        return {name: states.get(name, MISSING) for name in self._topology().alarms}

    def firing(self) -> tuple[str, ...]:
        """Read which alarms fire. The topology is kept as first read, so it is left alone before an apply."""
        prefix = f"{self._session.environment.prefix}-"
        states = self._states().items()
        return tuple(sorted(n for n, state in states if state == "ALARM" and OURS.fullmatch(n.removeprefix(prefix))))

    def _states(self) -> dict[str, str]:
        with mapped(f"reading the alarms of {self._session.environment.name}"):
            pages = self._session.cloudwatch.get_paginator("describe_alarms").paginate(
                AlarmNamePrefix=f"{self._session.environment.prefix}-", AlarmTypes=["MetricAlarm"]
            )
            return {alarm["AlarmName"]: _state(alarm) for page in pages for alarm in page.get("MetricAlarms", [])}

    def figures(self, since: datetime, until: datetime) -> Mapping[Color, Figures]:
        """Read requests, 5xx answers and the 95th percentile between the two moments, and how old the newest datum is.

        A 5xx answer that is the load balancer's own (a target that hung up or was not there) belongs to no target
        group: both colors are told of it, apart from the errors of their own.
        """
        topology = self._topology()
        balancer = {"LoadBalancer": topology.public_listener.partition(":listener/")[2].rpartition("/")[0]}
        if until <= since:
            return dict.fromkeys(Color, Figures())
        end = until.replace(microsecond=0) + timedelta(seconds=1)  # CloudWatch cuts both moments to seconds
        window_s = math.ceil((end - since).total_seconds())
        base_s = period(round(self._session.environment.limits.period_s))
        whole_s = max(base_s, period(window_s))  # a metric has no data of less than its own period
        queries = [_query("own", balancer, "HTTPCode_ELB_5XX_Count", "Sum", base_s)]
        for color, place in topology.services[PUBLIC_SERVICE].colors.items():
            group = {**balancer, "TargetGroup": place.target_group.rpartition(":")[2]}
            queries += [
                _query(f"{color}_requests", group, "RequestCount", "Sum", base_s),
                _query(f"{color}_errors", group, "HTTPCode_Target_5XX_Count", "Sum", base_s),
                _query(f"{color}_hosts", group, "HealthyHostCount", "Minimum", base_s),
                _query(f"{color}_p95", group, LATENCY, "p95", whole_s),
                _query(f"{color}_samples", group, LATENCY, "SampleCount", whole_s),
            ]
        found = self._read(queries, since, end)
        own = sum(found["own"]["Values"])
        return {color: _figures(color, found, own, until, base_s) for color in Color}

    def _read(
        self, queries: Sequence[MetricDataQueryTypeDef], since: datetime, until: datetime
    ) -> Mapping[str, MetricDataResultTypeDef]:
        with mapped("reading the load balancer's metrics"):
            # 11 queries of one window: never near the 100,800 data after which the answer has a second page.
            answer = self._session.cloudwatch.get_metric_data(
                MetricDataQueries=list(queries), StartTime=since, EndTime=until, ScanBy="TimestampAscending"
            )
        found: dict[str, MetricDataResultTypeDef] = {
            str(query["Id"]): {"Values": [], "Timestamps": []} for query in queries
        }
        return found | {result["Id"]: result for result in answer["MetricDataResults"]}


def period(at_least_s: int) -> int:
    """The shortest period that CloudWatch takes and that is no shorter than this.

    >>> period(1), period(6), period(45), period(61)
    (1, 10, 60, 120)
    """
    return next((short for short in SHORT_PERIODS_S if short >= at_least_s), 60 * math.ceil(at_least_s / 60))


def _state(alarm: MetricAlarmTypeDef) -> str:
    """The alarm's state. A percentile that ignores few samples keeps the state it was made with until there are enough.

    On a quiet site that can be for long. Source: EvaluateLowSampleCountPercentile in
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
    """
    state = str(alarm["StateValue"])
    ignores_few = alarm.get("EvaluateLowSampleCountPercentile") == "ignore"
    return FEW if ignores_few and state == "INSUFFICIENT_DATA" else state


def _query(name: str, dimensions: Dimensions, metric: str, stat: str, period_s: int) -> MetricDataQueryTypeDef:
    return {
        "Id": name,
        "MetricStat": {
            "Metric": {
                "Namespace": NAMESPACE,
                "MetricName": metric,
                "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
            },
            "Period": period_s,
            "Stat": stat,
        },
    }


def _figures(
    color: Color, found: Mapping[str, MetricDataResultTypeDef], own: float, until: datetime, period_s: int
) -> Figures:
    hosts = found[f"{color}_hosts"]["Timestamps"]
    ages_s = [max(0.0, (until - begun).total_seconds() - period_s) for begun in hosts]
    # The window falls into one period or two, depending on where it begins: of two, what more requests met counts more.
    weights = found[f"{color}_samples"]["Values"]
    p95s = found[f"{color}_p95"]["Values"]
    total = sum(weights)
    known = total > 0 and len(weights) == len(p95s) and None not in p95s
    p95_s = sum(weight * p95 for weight, p95 in zip(weights, p95s, strict=True)) / total if known else None
    return Figures(
        requests=round(sum(found[f"{color}_requests"]["Values"])),
        errors=round(sum(found[f"{color}_errors"]["Values"])),
        p95_ms=None if p95_s is None else round(1000 * p95_s, 1),
        age_s=min(ages_s, default=None),
        own=round(own),
    )
