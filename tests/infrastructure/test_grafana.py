"""Dashboards of Grafana as they are committed: importable anywhere, and about metrics that exist."""

from __future__ import annotations

import json
import re
from typing import Any

from tests.infrastructure.conftest import CONFIGURATION

DASHBOARDS = sorted((CONFIGURATION.parent / "grafana" / "dashboards").glob("*.json"))
SOURCE = {"type": "cloudwatch", "uid": "${source}"}


def dashboards() -> list[dict[str, Any]]:
    """All of them, parsed."""
    return [json.loads(file.read_text(encoding="utf-8")) for file in DASHBOARDS]


def test_each_is_one_of_its_own() -> None:
    """Two with the same uid would replace each other, a numeric id belongs to one workspace."""
    uids = [dashboard["uid"] for dashboard in dashboards()]
    assert uids
    assert sorted(set(uids)) == sorted(uids)
    assert [dashboard["uid"] for dashboard in dashboards() if dashboard.get("id") is not None] == []


def test_every_graph_asks_cloudwatch() -> None:
    """By the variable, not by what one workspace calls its data source."""
    graphs = [panel for dashboard in dashboards() for panel in dashboard["panels"]]
    assert graphs
    assert [panel["title"] for panel in graphs if [SOURCE] != _distinct(panel)] == []


def test_no_graph_asks_for_what_is_not_measured() -> None:
    """Every metric is one that Terraform's module watches or shows; a misspelt one would draw an empty graph."""
    module = "".join(
        file.read_text(encoding="utf-8") for file in sorted((CONFIGURATION / "modules/monitoring").glob("*.tf"))
    ).replace("${metric}Utilization", "CPUUtilization MemoryUtilization")
    known = module.replace("${kind}HostCount", "HealthyHostCount UnHealthyHostCount")
    asked = [
        target.get("metricName") or re.findall(r'MetricName="(\w+)"', target["expression"])[0]
        for dashboard in dashboards()
        for panel in dashboard["panels"]
        for target in panel["targets"]
    ]
    assert len(asked) > 10
    assert [metric for metric in asked if not re.search(rf"\b{metric}\b", known)] == []


def _distinct(panel: dict[str, Any]) -> list[dict[str, str]]:
    found = [panel["datasource"], *(target["datasource"] for target in panel["targets"])]
    return [one for place, one in enumerate(found) if one not in found[:place]]
