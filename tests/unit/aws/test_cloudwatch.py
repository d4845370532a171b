"""Which alarms speak of a release, and whose failures are whose. Periods and percentiles: the contract tests."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from deployer.aws.cloudwatch import FEW, MISSING, CloudWatch
from deployer.model import Color
from tests.unit.aws import values

PREFIX = "indivillage-dev"


def watched(*named: str, alarms: tuple[dict[str, str], ...] = (), data: dict[str, list[float]] | None = None) -> Any:
    """The adapter over an account that has ALARMS and DATA, by query; Terraform made those that are NAMED."""
    results = [{"Id": name, "Values": found, "Timestamps": []} for name, found in (data or {}).items()]
    client = SimpleNamespace(
        get_paginator=lambda _: SimpleNamespace(paginate=lambda **_: [{"MetricAlarms": alarms}]),
        get_metric_data=lambda **_: {"MetricDataResults": results},
    )
    session: Any = SimpleNamespace(environment=values.environment(), cloudwatch=client)
    return CloudWatch(session, lambda: replace(values.topology(), alarms=named))


def alarm(name: str, state: str, **more: str) -> dict[str, str]:
    """One of `describe_alarms`."""
    return {"AlarmName": f"{PREFIX}-{name}", "StateValue": state, **more}


def test_only_what_terraform_made_is_judged() -> None:
    """Somebody's own alarm, though its name begins like the environment's, is no gate; one that is gone is told."""
    found = (alarm("blue-errors", "OK"), alarm("database-cpu", "ALARM"), alarm("green-errors", "INSUFFICIENT_DATA"))
    states = watched(f"{PREFIX}-blue-errors", f"{PREFIX}-green-errors", f"{PREFIX}-gone", alarms=found).alarms()

    assert {
        f"{PREFIX}-blue-errors": "OK",
        f"{PREFIX}-green-errors": "INSUFFICIENT_DATA",
        f"{PREFIX}-gone": MISSING,
    } == states


@pytest.mark.parametrize(
    ("state", "few", "expected"),
    [
        ("INSUFFICIENT_DATA", "ignore", FEW),
        ("INSUFFICIENT_DATA", "evaluate", "INSUFFICIENT_DATA"),
        ("ALARM", "ignore", "ALARM"),
        ("OK", "ignore", "OK"),
    ],
)
def test_a_percentile_may_wait_for_samples(state: str, few: str, expected: str) -> None:
    """On a quiet site it would keep every release from ending."""
    found = (alarm("blue-latency", state, EvaluateLowSampleCountPercentile=few),)
    assert {f"{PREFIX}-blue-latency": expected} == watched(f"{PREFIX}-blue-latency", alarms=found).alarms()


def test_only_alarms_of_releases_refuse_one() -> None:
    """Before an apply the topology is not asked: the names say what is about releases."""
    loud = ("backend-green-hosts", "balancer-errors", "database-cpu", "blue-errors-by-hand", "extra-blue-errors")
    found = tuple(alarm(name, "ALARM") for name in loud)

    assert (f"{PREFIX}-backend-green-hosts", f"{PREFIX}-balancer-errors") == watched(alarms=found).firing()


def test_the_balancer_s_own_failures_are_apart() -> None:
    """They are no errors of either color's tasks."""
    data = {"own": [1.0, 3.0], "green_requests": [20.0], "green_errors": [2.0], "blue_requests": [2000.0]}
    found = watched(data=data).figures(values.STARTED, values.STARTED + timedelta(seconds=10))

    assert [(20, 2, 4), (2000, 0, 4)] == [
        (found[color].requests, found[color].errors, found[color].own) for color in (Color.GREEN, Color.BLUE)
    ]
