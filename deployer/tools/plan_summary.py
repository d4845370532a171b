"""`terraform show -json` of a saved plan -> what it would change. Pure.

Format: https://developer.hashicorp.com/terraform/internals/json-format. Only names of attributes are told, never
values: a plan holds every secret in the clear.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from deployer.model import FORCES, Change
from deployer.tools.retention import shortened

_ACTIONS = {
    ("create",): "create",
    ("update",): "update",
    ("delete",): "delete",
    ("delete", "create"): "replace",
    ("create", "delete"): "replace",
    ("forget",): "update",  # leaves the state, not the cloud
}
HOLDS_DATA = frozenset({
    *("aws_db_instance", "aws_rds_cluster", "aws_rds_global_cluster", "aws_db_snapshot", "aws_dynamodb_table"),
    *("aws_db_instance_automated_backups_replication", "aws_backup_vault", "aws_backup_logically_air_gapped_vault"),
    *("aws_elasticache_replication_group", "aws_elasticache_cluster", "aws_elasticache_serverless_cache"),
    *("aws_s3_bucket", "aws_s3_directory_bucket", "aws_efs_file_system", "aws_ebs_volume", "aws_ebs_snapshot"),
    *("aws_kms_key", "aws_kms_replica_key", "aws_secretsmanager_secret", "aws_cloudwatch_log_group"),
    *("aws_ecr_repository", "aws_cloudcontrolapi_resource", "aws_sqs_queue", "aws_grafana_workspace"),
})  # fmt: skip
"""Resource types whose end is the end of data. Exact names: an aws_s3_bucket_policy holds none. A KMS key counts, since
nobody can read any more what it encrypted. On AWS the image repositories are aws_cloudcontrolapi_resource."""


def summarise(plan: Mapping[str, Any]) -> tuple[Change, ...]:
    """Read the changes of a plan's JSON, by address, outputs last."""
    return (*sorted(_resources(plan), key=lambda change: change.address), *_outputs(plan))


def _resources(plan: Mapping[str, Any]) -> Iterator[Change]:
    for resource in plan.get("resource_changes", ()):
        change = resource["change"]
        action = _ACTIONS.get(tuple(change["actions"]))
        note = _note(resource)
        if resource.get("mode") == "data" or (action is None and not note):
            continue
        action = action or "update"
        loses = _loses(action, resource)
        attributes = _changed(change) if action in ("update", "replace") else ()
        yield Change(action, resource["address"], attributes, note, loses)


def _loses(action: str, resource: Mapping[str, Any]) -> bool:
    """Say whether data ends with it, or sooner than it would have."""
    kind, change = str(resource.get("type")), resource["change"]
    if action in ("delete", "replace"):
        return kind in HOLDS_DATA
    return action == "update" and shortened(kind, change.get("before") or {}, change.get("after") or {})


def _note(resource: Mapping[str, Any]) -> str:
    """Say what happens to the state rather than to the cloud, if anything."""
    if resource["change"]["actions"] == ["forget"]:
        return "no longer managed"
    if resource["change"].get("importing"):
        return "imported"
    previous = resource.get("previous_address")
    return f"moved from {previous}" if previous else ""


def _outputs(plan: Mapping[str, Any]) -> Iterator[Change]:
    for name, change in sorted(plan.get("output_changes", {}).items()):
        if action := _ACTIONS.get(tuple(change["actions"])):
            yield Change(action, f"output.{name}")


def _changed(change: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names of top-level attributes that will differ; what forces a replacement is marked.

    Of a replaced resource every computed attribute becomes unknown: those say nothing and are left out.
    """
    before, after = change.get("before") or {}, change.get("after") or {}
    forcing = {path[0] for path in change.get("replace_paths", ()) if path}
    unknown = change.get("after_unknown") or {}
    pending = unknown if isinstance(unknown, Mapping) and change["actions"] == ["update"] else {}
    kept = {name for name in {*before, *after} if name in after and _differs(before.get(name), after[name])}
    names = sorted(kept | forcing | {name for name, value in pending.items() if _anything(value)})
    return tuple(f"{name} {FORCES}" if name in forcing else name for name in names)


def _differs(before: object, after: object) -> bool:
    # Terraform writes an unset collection now as null, now as empty.
    return before != after and not (before in (None, [], {}, "") and after in (None, [], {}, ""))


def _anything(unknown: object) -> bool:
    """Say whether any leaf of an `after_unknown` value is true."""
    if isinstance(unknown, Mapping):
        return any(_anything(value) for value in unknown.values())
    if isinstance(unknown, Sequence) and not isinstance(unknown, str):
        return any(_anything(value) for value in unknown)
    return unknown is True
