"""Alarms by AWS's rules, on points made up for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from localcloud.extension import alarms

NOW = 1000.0


def _stat(metric: str) -> dict[str, Any]:
    return {"Metric": {"MetricName": metric}, "Stat": "Sum", "Period": 10}


PLAIN = {
    "Namespace": "N",
    "MetricName": "errors",
    "Dimensions": [],
    "Statistic": "Sum",
    "Period": 10,
    "EvaluationPeriods": 1,
    "Threshold": 5,
    "ComparisonOperator": "GreaterThanThreshold",
}
RATE = {
    "EvaluationPeriods": 1,
    "Threshold": 5,
    "ComparisonOperator": "GreaterThanThreshold",
    "TreatMissingData": "notBreaching",
    "Metrics": [
        {"Id": "rate", "Expression": "IF(requests >= 20, 100 * FILL(errors, 0) / requests, 0)", "ReturnData": True},
        *(
            {
                "Id": name,
                "ReturnData": False,
                "MetricStat": {"Metric": {"MetricName": name}, "Stat": "Sum", "Period": 10},
            }
            for name in ("requests", "errors")
        ),
    ],
}


def verdict(alarm: Mapping[str, Any], **points: Sequence[tuple[float, float]]) -> tuple[str, str] | None:
    """What becomes of ALARM with (seconds ago, value) POINTS of each metric."""

    def find(metric: Mapping[str, Any]) -> list[dict[str, Any]]:
        return [{"Timestamp": NOW - ago, "Value": value} for ago, value in points.get(metric["MetricName"], ())]

    def statistic(found: Sequence[Mapping[str, Any]], name: str) -> float:
        values = [point["Value"] for point in found]
        return {"Sum": sum(values), "Minimum": min(values)}.get(name, max(values))

    return alarms.verdict(alarm, find, statistic, NOW)


def state(alarm: Mapping[str, Any], **points: Sequence[tuple[float, float]]) -> str | None:
    """The state alone; None when it stays as it was."""
    decided = verdict(alarm, **points)
    return decided and decided[0]


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        ([(1, 3), (9, 3)], "ALARM"),
        ([(1, 3), (11, 3)], "OK"),
        ([(11, 9)], "INSUFFICIENT_DATA"),
        ([], "INSUFFICIENT_DATA"),
    ],
)
def test_a_period_ends_now(points: Sequence[tuple[float, float]], expected: str) -> None:
    """What is older than the period does not count, so an alarm calms down by itself."""
    assert expected == state(PLAIN, errors=points)


@pytest.mark.parametrize(
    ("treat", "expected"),
    [("missing", "INSUFFICIENT_DATA"), ("notBreaching", "OK"), ("breaching", "ALARM"), ("ignore", None)],
)
def test_missing_data_mean_what_the_alarm_says(treat: str, expected: str | None) -> None:
    """TreatMissingData."""
    assert expected == state(PLAIN | {"TreatMissingData": treat})


@pytest.mark.parametrize(("needed", "expected"), [(1, "ALARM"), (2, "ALARM"), (3, "OK")])
def test_m_of_n(needed: int, expected: str) -> None:
    """DatapointsToAlarm of EvaluationPeriods."""
    alarm = PLAIN | {"EvaluationPeriods": 3, "DatapointsToAlarm": needed}
    assert expected == state(alarm, errors=[(1, 9), (11, 1), (21, 9)])


@pytest.mark.parametrize(
    ("requests", "errors", "expected"),
    [(100, 6, "ALARM"), (100, 5, "OK"), (19, 19, "OK"), (100, None, "OK"), (None, 5, "OK")],
)
def test_a_rate_is_metric_math(requests: float | None, errors: float | None, expected: str) -> None:
    """Few requests are no rate, no errors are none, and without requests there is nothing."""
    given = {"requests": requests, "errors": errors}
    assert expected == state(RATE, **{name: [(1, value)] for name, value in given.items() if value is not None})


@pytest.mark.parametrize(("count", "expected"), [(100, None), (201, "ALARM"), (0, "OK")])
def test_a_percentile_of_few_samples_changes_nothing(count: int, expected: str | None) -> None:
    """Fewer than 10 / (1 - p); none at all are missing data."""
    alarm = PLAIN | {
        "ExtendedStatistic": "p95",
        "EvaluateLowSampleCountPercentile": "ignore",
        "TreatMissingData": "notBreaching",
    }
    assert expected == state(alarm, errors=[(1, 9)] * count)


def test_the_reason_has_figures() -> None:
    """For whoever is woken by it."""
    decided = verdict(PLAIN, errors=[(1, 9)])
    assert decided == ("ALARM", "Threshold Crossed: 9: 1 of 1 periods, 1 needed, GreaterThanThreshold 5")


@pytest.mark.parametrize("expression", ["__import__('os')", "requests.real", "[requests]", "RATE(requests)", "other"])
def test_metric_math_that_is_not_known_is_an_error(expression: str) -> None:
    """Rather than a wrong number, or somebody's code."""
    alarm = RATE | {"Metrics": [{"Id": "rate", "Expression": expression}, *RATE["Metrics"][1:]]}  # type: ignore[index]
    with pytest.raises(ValueError, match="not known"):
        state(alarm, requests=[(1, 100)])
