"""Alarms, topics and logs: what is no control of AWS's, and has to hold all the same."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.infrastructure import hcl
from tests.infrastructure.conftest import CONFIGURATION
from tests.infrastructure.controls.found import Found, configured, planned
from tests.infrastructure.controls.watching import (
    logs_without_end_or_key,
    strange_gates,
    topics_without_tls,
    unwatched,
)

TOPICS = [file for file in sorted(CONFIGURATION.rglob("*.tf")) if '"aws_sns_topic_policy"' in file.read_text("utf-8")]
GROUPS = [
    file for file in sorted(CONFIGURATION.rglob("*.tf")) if '"aws_cloudwatch_log_group"' in file.read_text("utf-8")
]


def plan(*made: tuple[str, str, dict[str, Any]]) -> list[Found]:
    """What a plan of production looks like that makes these: type, name, values."""
    changes = [
        {"mode": "managed", "type": kind, "name": name, "change": {"after": after}} for kind, name, after in made
    ]
    return list(planned("production", {"resource_changes": changes}))


def test_topics_take_tls_only() -> None:
    """Whoever publishes."""
    assert topics_without_tls(configured(CONFIGURATION)) == []


def test_a_topic_that_takes_plain_http_is_noticed() -> None:
    """In every file that makes one."""
    for file in TOPICS:
        broken = file.read_text(encoding="utf-8").replace(
            '"aws:SecureTransport" = "false"', '"aws:SecureTransport" = "true"'
        )
        assert topics_without_tls(configured(CONFIGURATION, {str(file.relative_to(CONFIGURATION)): broken})), file
    assert len(TOPICS) > 3


def test_logs_have_an_end_and_a_key() -> None:
    """A group that AWS makes by itself has neither."""
    assert logs_without_end_or_key(configured(CONFIGURATION)) == []


@pytest.mark.parametrize("argument", ["retention_in_days", "kms_key_id"])
def test_logs_without_end_or_key_are_noticed(argument: str) -> None:
    """In every file that makes a group."""
    for file in GROUPS:
        broken = file.read_text(encoding="utf-8").replace(f"  {argument} ", "  # ")
        assert logs_without_end_or_key(configured(CONFIGURATION, {str(file.relative_to(CONFIGURATION)): broken})), file
    assert len(GROUPS) > 3


@pytest.mark.parametrize(
    ("resource", "name", "strange"),
    [
        ("errors", "indivillage-prod-green-errors", False),
        ("operations", "indivillage-prod-ops-frontend-green-cpu", False),
        ("operations", "indivillage-prod-balancer-errors", True),
        ("unusual", "indivillage-prod-ops-green-hosts", True),
        ("hosts", "indivillage-prod-ops-frontend-green-hosts", True),
    ],
)
def test_an_alarm_that_stops_releases_by_accident_is_noticed(resource: str, name: str, strange: bool) -> None:
    """The deployer tells its gates from other alarms by their names."""
    assert bool(strange_gates(plan(("aws_cloudwatch_metric_alarm", resource, {"alarm_name": name})))) == strange


def test_what_nobody_watches_is_noticed() -> None:
    """An alarm on another thing, or on another metric of it, is none."""
    service = ("aws_ecs_service", "shell", {"name": "a"})
    alarms = [
        ("aws_cloudwatch_metric_alarm", "operations", {"metric_name": metric, "dimensions": {"ServiceName": name}})
        for name, metric in [("a", "CPUUtilization"), ("b", "MemoryUtilization")]
    ]
    copies = {"rule": [{"id": "c", "destination": [{"replication_time": [{"status": "Enabled"}]}]}]}
    replication = ("aws_s3_bucket_replication_configuration", "this", copies)
    replica = ("aws_db_instance", "replica", {"identifier": "d", "replicate_source_db": "e"})
    expected = [
        "production: aws_ecs_service.shell: MemoryUtilization",
        "production: aws_s3_bucket_replication_configuration.this: ReplicationLatency",
        "production: aws_s3_bucket_replication_configuration.this: OperationsPendingReplication",
        "production: aws_s3_bucket_replication_configuration.this: OperationsFailedReplication",
        "production: aws_db_instance.replica: ReplicaLag",
    ]
    assert expected == list(unwatched(plan(service, *alarms, replication, replica)))


def test_the_databases_logs_are_there_before_it() -> None:
    """RDS makes its own log groups within minutes: ours may wait for no load balancer, task or cluster."""
    (body,) = [
        body
        for kind, name, body in hcl.resources(CONFIGURATION)
        if (kind, name) == ("aws_cloudwatch_log_group", "database")
    ]
    assert set(re.findall(r"\bvar\.(\w+)", str(body))) == {"database", "kms_key_arn", "log_retention_days"}
    (called,) = [body for _, name, body in hcl.named(CONFIGURATION, "module") if name == "monitoring"]
    assert re.findall(r"\b(?:module|data)\.", str(called["database"])) == []
