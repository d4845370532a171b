"""Terraform's protocol: forms in, XML out."""

from __future__ import annotations

from localcloud.extension.cloudwatch import unflatten, xml


def test_a_form_becomes_what_it_stands_for() -> None:
    """Lists in the order of their numbers, figures as numbers, a switch as a truth value."""
    form = {
        "AlarmName": ["rate"],
        "EvaluationPeriods": ["2"],
        "ActionsEnabled": ["false"],
        "Metrics.member.2.Id": ["b"],
        "Metrics.member.10.Id": ["c"],
        "Metrics.member.1.MetricStat.Metric.Dimensions.member.1.Name": ["LoadBalancer"],
    }
    assert {
        "AlarmName": "rate",
        "EvaluationPeriods": 2,
        "ActionsEnabled": False,
        "Metrics": [{"MetricStat": {"Metric": {"Dimensions": [{"Name": "LoadBalancer"}]}}}, {"Id": "b"}, {"Id": "c"}],
    } == unflatten(form)


def test_an_alarm_is_told_whole() -> None:
    """Every key, moments as AWS writes them, whole numbers without a point, nothing for what is not set."""
    alarm = {"Threshold": 5.0, "Expression": "a >= 1", "Unit": None, "StateUpdatedTimestamp": 0, "ActionsEnabled": True}
    expected = (
        "<Threshold>5</Threshold><Expression>a &gt;= 1</Expression>"
        "<StateUpdatedTimestamp>1970-01-01T00:00:00Z</StateUpdatedTimestamp><ActionsEnabled>true</ActionsEnabled>"
    )
    assert expected == xml(alarm)
