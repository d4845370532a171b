"""CloudWatch and SNS: alarms that tell somebody, topics that are closed, logs that end; and who is watched at all."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence

from deployer.aws.cloudwatch import OURS
from tests.infrastructure.controls import control, each
from tests.infrastructure.controls.found import Found
from tests.infrastructure.controls.storage import statements

ALARM, TOPIC, TOPIC_POLICY, LOG_GROUP = (
    *("aws_cloudwatch_metric_alarm", "aws_sns_topic"),
    *("aws_sns_topic_policy", "aws_cloudwatch_log_group"),
)
RELEASE = ("errors", "latency", "hosts")
"""What Terraform calls the alarms that stop a release."""
EVERYBODY = r'Principal=("\*"|\{AWS=\[?"\*")'


@control("CloudWatch.15")
def somebody_is_told(things: Sequence[Found]) -> list[str]:
    """An alarm that fires tells somebody."""
    return each(things, ALARM, lambda found: bool(found.values.get("alarm_actions")))


@control("CloudWatch.17")
def telling_is_on(things: Sequence[Found]) -> list[str]:
    """Nobody has switched the telling off."""
    return each(things, ALARM, lambda found: found.values.get("actions_enabled") in (None, True))


@control("SNS.1")
def topics_encrypted(things: Sequence[Found]) -> list[str]:
    """What is told is encrypted with a key of ours."""
    return each(things, TOPIC, lambda found: bool(found.values.get("kms_master_key_id")))


@control("SNS.4")
def topics_closed(things: Sequence[Found]) -> list[str]:
    """No topic lets everybody in."""

    def holds(found: Found) -> bool:
        return not any('Effect="Allow"' in one and re.search(EVERYBODY, one) for one in statements(found))

    return each(things, TOPIC_POLICY, holds)


def topics_without_tls(things: Sequence[Found]) -> list[str]:
    """Name the topics that take messages over plain HTTP."""
    wanted = ('Effect="Deny"', 'aws:SecureTransport="false"')
    return each(things, TOPIC_POLICY, lambda found: all(part in found.text("policy") for part in wanted))


def logs_without_end_or_key(things: Sequence[Found]) -> list[str]:
    """Name the log groups that keep what they get for ever, or under a key that is not ours."""
    return each(
        things, LOG_GROUP, lambda found: bool(found.values.get("retention_in_days") and found.values.get("kms_key_id"))
    )


def strange_gates(things: Sequence[Found]) -> list[str]:
    """Name the planned alarms that stop releases and are not meant to, or are meant to and do not, by their names."""
    return [
        found.where
        for found in things
        if found.kind == ALARM
        and bool(OURS.fullmatch(re.sub(r"^indivillage-[a-z]+-", "", str(found.values["alarm_name"]))))
        != (found.name in RELEASE)
    ]


def unwatched(things: Sequence[Found]) -> Iterator[str]:
    """Name what a plan makes and no alarm of its environment looks at: services, databases, caches, vaults, copies."""
    looked_at: dict[str, set[str]] = {}
    for found in (found for found in things if found.kind == ALARM):
        values = [*(found.values.get("dimensions") or {}).values(), found.values.get("metric_name")]
        looked_at.setdefault(_environment(found), set()).add(json.dumps(values))
    for found in things:
        for name, metric in _measured(found):
            if not any(name in one and metric in one for one in looked_at.get(_environment(found), ())):
                yield f"{found.where}: {metric}"


def _measured(found: Found) -> Iterator[tuple[str, str]]:
    """What of a thing is to be watched: a dimension's value as JSON, and the metric."""
    if found.kind == "aws_ecs_service":
        names, metrics = [found.values["name"]], ["CPUUtilization", "MemoryUtilization"]
    elif found.kind == "aws_db_instance" and found.values.get("replicate_source_db"):
        names, metrics = [found.values["identifier"]], ["ReplicaLag"]
    elif found.kind == "aws_db_instance":
        names, metrics = [found.values["identifier"]], ["CPUUtilization", "FreeableMemory", "FreeStorageSpace"]
    elif found.kind == "aws_elasticache_replication_group":
        group, nodes = found.values["replication_group_id"], int(found.values["num_cache_clusters"])
        names = [f"{group}-{node + 1:03d}" for node in range(nodes)]
        metrics = ["EngineCPUUtilization", "DatabaseMemoryUsagePercentage", *(["ReplicationLag"] if nodes > 1 else [])]
    elif found.kind == "aws_backup_vault" and not str(found.values["name"]).endswith("-replica"):
        names, metrics = [found.values["name"]], ["NumberOfBackupJobsCompleted", "NumberOfBackupJobsFailed"]
    elif found.kind == "aws_s3_bucket_replication_configuration" and _timed(found):
        names = [rule["id"] for rule in found.blocks("rule")]
        metrics = ["ReplicationLatency", "OperationsPendingReplication", "OperationsFailedReplication"]
    else:
        return
    yield from ((json.dumps(name), metric) for name in names for metric in metrics)


def _timed(found: Found) -> bool:
    """Whether S3 measures these copies."""
    return '"replication_time": [{' in json.dumps(found.values)


def _environment(found: Found) -> str:
    return found.module.partition(":")[0]
