"""CloudWatch: what both colors met within a window, how fresh that is, and the alarms of the environment.

The metrics of a load balancer are published by AWS alone; the emulators let the test do it.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from deployer.aws.cloudwatch import LATENCY, MISSING, NAMESPACE, CloudWatch
from deployer.model import Color, Figures

if TYPE_CHECKING:
    from deployer.model import Topology
    from tests.contract.aws.stand_in import StandIn

NOW = datetime.now(UTC).replace(microsecond=0)


def put(stand_in: StandIn, color: Color | None, ago_s: float, **metrics: list[float]) -> None:
    """Publish the values of METRICS of a color, or of the load balancer alone."""
    topology = stand_in.topology
    dimensions = {"LoadBalancer": topology.public_listener.partition(":listener/")[2].rpartition("/")[0]}
    if color:
        group = topology.services["frontend"].colors[color].target_group
        dimensions["TargetGroup"] = group.rpartition(":")[2]
    for name, values in metrics.items():
        stand_in.session.cloudwatch.put_metric_data(
            Namespace=NAMESPACE,
            MetricData=[
                {
                    "MetricName": name,
                    "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
                    "Timestamp": NOW - timedelta(seconds=ago_s),
                    "Values": values,
                }
            ],
        )


def figures(stand_in: StandIn, since_s: float, until_s: float) -> dict[Color, Figures]:
    """What the adapter reads of the seconds between."""
    metrics = CloudWatch(stand_in.session, lambda: stand_in.topology)
    return dict(metrics.figures(NOW - timedelta(seconds=since_s), NOW - timedelta(seconds=until_s)))


def test_what_a_window_holds(applied: StandIn) -> None:
    """Of each color its own, of the load balancer's own failures apart from them, and nothing from before."""
    put(applied, Color.GREEN, 70, RequestCount=[500.0], HTTPCode_Target_5XX_Count=[500.0])
    put(applied, Color.GREEN, 55, RequestCount=[40.0], HTTPCode_Target_5XX_Count=[2.0], HealthyHostCount=[2.0])
    put(applied, Color.GREEN, 52, RequestCount=[60.0], HTTPCode_Target_5XX_Count=[1.0], HealthyHostCount=[2.0])
    put(applied, Color.BLUE, 54, RequestCount=[900.0], HealthyHostCount=[2.0])
    put(applied, None, 53, HTTPCode_ELB_5XX_Count=[4.0])
    found = figures(applied, 60, 50)

    green, blue = found[Color.GREEN], found[Color.BLUE]
    assert (100, 3, 4) == (green.requests, green.errors, green.own)
    assert (900, 0, 4) == (blue.requests, blue.errors, blue.own)


def test_how_old_the_newest_datum_is(applied: StandIn) -> None:
    """Counted from the end of its period; a color without any has no age."""
    put(applied, Color.GREEN, 38, HealthyHostCount=[2.0])
    put(applied, Color.GREEN, 35, HealthyHostCount=[2.0])
    found = figures(applied, 40, 30)

    period_s = applied.session.environment.limits.period_s
    assert (5.0 - period_s, None) == (found[Color.GREEN].age_s, found[Color.BLUE].age_s)


def test_a_window_without_data_has_none(applied: StandIn) -> None:
    """Neither is it an error."""
    assert dict.fromkeys(Color, Figures()) == figures(applied, 2000, 1990)


def test_a_window_that_has_not_begun_has_none(applied: StandIn) -> None:
    """The first look after a shift comes before the first full period."""
    assert dict.fromkeys(Color, Figures()) == figures(applied, 10, 11)


@pytest.mark.parametrize("window_s", [7, 47])
def test_the_95th_percentile_is_of_all_requests(local_applied: StandIn, window_s: int) -> None:
    """Not a mean of percentiles of seconds, wherever the window begins. Moto knows no percentiles."""
    for ago_s, values in ((104.5, [0.9, 0.02]), (103.5, [0.01] * 20), (102.5, [0.01] * 78)):
        put(local_applied, Color.GREEN, ago_s, **{LATENCY: values})
    p95_ms = figures(local_applied, 100 + window_s, 100)[Color.GREEN].p95_ms

    assert p95_ms is not None
    assert 10.0 <= p95_ms <= 60.0


def test_the_alarms_of_this_environment(applied: StandIn) -> None:
    """Those of others are none of its business, and what Terraform made has to be there."""
    for name, threshold in ((f"{applied.prefix}-fires", 1.0), ("other-fires", 1.0), (f"{applied.prefix}-by-hand", 1.0)):
        applied.session.cloudwatch.put_metric_alarm(
            AlarmName=name,
            Namespace="test",
            MetricName="load",
            Statistic="Sum",
            Period=10,
            EvaluationPeriods=1,
            Threshold=threshold,
            ComparisonOperator="GreaterThanThreshold",
        )
    document = applied.document | {"alarms": [f"{applied.prefix}-fires", f"{applied.prefix}-gone"]}
    told = type(applied)(applied.session)
    told.document = document
    states = dict(CloudWatch(applied.session, lambda: told.topology).alarms())

    assert states.pop(f"{applied.prefix}-fires") in {"OK", "INSUFFICIENT_DATA"}  # moto calls what never was seen OK
    assert {f"{applied.prefix}-gone": MISSING} == states


def test_what_fires_is_read_without_a_topology(applied: StandIn) -> None:
    """Before the first apply there is none, and the one from before an apply must not be kept. Ours alone count."""

    def nowhere() -> Topology:
        raise AssertionError("the topology was read")

    name = f"{applied.prefix}-green-errors"
    for each in (name, f"{applied.prefix}-by-hand"):
        applied.session.cloudwatch.put_metric_alarm(
            AlarmName=each,
            Namespace="test",
            MetricName="load",
            Statistic="Sum",
            Period=10,
            EvaluationPeriods=1,
            Threshold=1.0,
            ComparisonOperator="GreaterThanThreshold",
            TreatMissingData="breaching",
        )
        applied.session.cloudwatch.set_alarm_state(AlarmName=each, StateValue="ALARM", StateReason="a test")

    assert (name,) == CloudWatch(applied.session, nowhere).firing()
