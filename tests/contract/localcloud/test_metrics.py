"""What HAProxy did becomes the metrics of AWS/ApplicationELB, and alarms follow from them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.contract.localcloud.stand import Stand, wait_for

REQUESTS = 60


def metric(stand: Stand, name: str, stat: str, group: str = "") -> list[float]:
    """The values of the last minutes, a second each."""
    dimensions = {"LoadBalancer": stand.balancer.partition(":loadbalancer/")[2]}
    if group:
        dimensions["TargetGroup"] = group.rpartition(":")[2]
    now = datetime.now(UTC)
    query = {
        "Metric": {
            "Namespace": "AWS/ApplicationELB",
            "MetricName": name,
            "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
        },
        "Period": 300,
        "Stat": stat,
    }
    found = stand.client("cloudwatch").get_metric_data(
        MetricDataQueries=[{"Id": "metric", "MetricStat": query}],
        StartTime=now - timedelta(seconds=300),
        EndTime=now + timedelta(seconds=1),
    )
    return list(found["MetricDataResults"][0]["Values"])


def test_every_request_is_counted_where_it_went(stand: Stand) -> None:
    """Exactly; what a target answers with 5xx is the target's, what none answers is the load balancer's."""
    stand.serve("blue")
    with stand.connection() as ask:
        assert [200] * REQUESTS == [ask("/").status for _ in range(REQUESTS)]
    stand.shift(0, 100)
    with stand.connection() as ask:
        assert [503] * 5 == [ask("/").status for _ in range(5)]

    wait_for(lambda: sum(metric(stand, "RequestCount", "Sum", stand.blue)) == REQUESTS, "all requests of blue")
    wait_for(lambda: sum(metric(stand, "HTTPCode_ELB_5XX_Count", "Sum")) == 5, "what green could not answer")
    assert REQUESTS == sum(metric(stand, "HTTPCode_Target_2XX_Count", "Sum", stand.blue))
    assert [] == metric(stand, "HTTPCode_Target_5XX_Count", "Sum", stand.blue)


def test_one_slow_request_in_ten_shows_in_the_95th_percentile(stand: Stand) -> None:
    """Where an average would hide it."""
    stand.serve("blue")
    with stand.connection() as ask:
        for number in range(20):
            ask("/slow" if number % 10 == 0 else "/")

    wait_for(lambda: sum(metric(stand, "TargetResponseTime", "SampleCount", stand.blue)) == 20, "all response times")
    assert max(metric(stand, "TargetResponseTime", "p95", stand.blue)) > 2.5
    assert min(metric(stand, "TargetResponseTime", "p50", stand.blue)) < 0.5


def test_hosts_are_counted_as_the_load_balancer_sees_them(stand: Stand) -> None:
    """Every second, by which all see how fresh the metrics are. An unhealthy one is replaced within the second."""
    stand.serve("blue", count=2)
    wait_for(lambda: 2.0 in metric(stand, "HealthyHostCount", "Maximum", stand.blue), "two healthy hosts")
    assert [0.0] == metric(stand, "UnHealthyHostCount", "Minimum", stand.blue)[-1:]


@pytest.fixture
def rate(stand: Stand) -> Any:
    """An alarm on the share of requests that no target answered, in metric math, over ten seconds."""
    dimensions = [{"Name": "LoadBalancer", "Value": stand.balancer.partition(":loadbalancer/")[2]}]

    def stat(name: str, metric_name: str) -> dict[str, Any]:
        metric_ = {"Namespace": "AWS/ApplicationELB", "MetricName": metric_name, "Dimensions": dimensions}
        return {"Id": name, "ReturnData": False, "MetricStat": {"Metric": metric_, "Period": 10, "Stat": "Sum"}}

    watch = stand.client("cloudwatch")
    watch.put_metric_alarm(
        AlarmName=f"{stand.name}-rate", EvaluationPeriods=1, Threshold=50, ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="notBreaching",
        Metrics=[
            {"Id": "rate", "Expression": "100 * failed / (FILL(all, 0) + failed)", "ReturnData": True},
            stat("all", "RequestCount"), stat("failed", "HTTPCode_ELB_5XX_Count"),
        ],
    )  # fmt: skip
    yield lambda: watch.describe_alarms(AlarmNames=[f"{stand.name}-rate"])["MetricAlarms"][0]
    watch.delete_alarms(AlarmNames=[f"{stand.name}-rate"])


def test_an_alarm_fires_and_calms_down(stand: Stand, rate: Any) -> None:
    """Within seconds, without anybody publishing anything; and it is described as it was put."""
    stand.serve("blue")
    wait_for(lambda: rate()["StateValue"] == "OK", "a calm alarm")
    stand.shift(0, 100)
    with stand.connection() as ask:
        for _ in range(10):
            ask("/")

    wait_for(lambda: rate()["StateValue"] == "ALARM", "a firing alarm")
    assert ["rate", "all", "failed"] == [query["Id"] for query in rate()["Metrics"]]
    wait_for(lambda: rate()["StateValue"] == "OK", "an alarm that calmed down")


def test_a_percentile_is_described_as_it_was_put(stand: Stand) -> None:
    """Terraform compares: what it did not say must not come back."""
    watch = stand.client("cloudwatch")
    watch.put_metric_alarm(
        AlarmName=f"{stand.name}-slow", Namespace="N", MetricName="M", ExtendedStatistic="p95", Period=10,
        EvaluateLowSampleCountPercentile="ignore", EvaluationPeriods=1, Threshold=1.5,
        ComparisonOperator="GreaterThanThreshold",
    )  # fmt: skip
    alarm = watch.describe_alarms(AlarmNames=[f"{stand.name}-slow"])["MetricAlarms"][0]
    watch.delete_alarms(AlarmNames=[f"{stand.name}-slow"])

    assert ("p95", "ignore", None) == (
        alarm["ExtendedStatistic"],
        alarm["EvaluateLowSampleCountPercentile"],
        alarm.get("Statistic"),
    )
