"""`terraform show -json` of a saved plan -> what it would change, in values and in words. Pure.

Format: https://developer.hashicorp.com/terraform/internals/json-format. Only names of attributes are told, never
values: a plan holds every secret in the clear.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_ACTIONS = {
    ("create",): "create",
    ("update",): "update",
    ("delete",): "delete",
    ("delete", "create"): "replace",
    ("create", "delete"): "replace",
    ("forget",): "update",  # leaves the state, not the cloud
}
_WORDS = {
    "create": ("+", "to create"),
    "update": ("~", "to update"),
    "replace": ("±", "to replace"),
    "delete": ("-", "to destroy"),
}
_HOLDS_DATA = (
    "aws_db_instance",
    "aws_rds_cluster",
    "aws_s3_bucket",
    "aws_secretsmanager_secret",
    "aws_elasticache_replication_group",
    "aws_elasticache_cluster",
    "aws_dynamodb_table",
    "aws_ecr_repository",
    "aws_kms_key",
    "aws_efs_file_system",
    "aws_cloudwatch_log_group",
    "aws_backup_vault",
)
"""Resource types whose end is the end of data. Exact names: an aws_s3_bucket_policy holds none."""

_MANY = 15
"""More creations than this are told by module: the first plan of an environment has over a hundred."""


@dataclass(frozen=True, slots=True)
class Summary:
    """`changes` are (action, address); `lines` tell them to people; `data_loss` are addresses whose data would go."""

    changes: tuple[tuple[str, str], ...]
    lines: tuple[str, ...]
    data_loss: tuple[str, ...]


def summarise(plan: Mapping[str, Any]) -> Summary:
    """Summarise a plan's JSON: counts as Terraform counts them, then the changes, the dangerous ones first."""
    resources = sorted(_resources(plan), key=lambda entry: (not entry.loses_data, entry.address))
    outputs = tuple(_outputs(plan))
    counted = [
        f"{number} {words}"
        for action, (_, words) in _WORDS.items()
        if (number := sum(entry.action == action for entry in resources))
    ]
    counted += [f"{len(outputs)} output{'s' * (len(outputs) > 1)} to change"] if outputs else []
    return Summary(
        tuple((entry.action, entry.address) for entry in (*resources, *outputs)),
        (", ".join(counted) or "nothing to change", *_told(resources), *(entry.line() for entry in outputs)),
        tuple(entry.address for entry in resources if entry.loses_data),
    )


def _told(entries: Sequence[_Entry]) -> list[str]:
    created = [entry for entry in entries if entry.action == "create"]
    if len(created) <= _MANY:
        return [entry.line() for entry in entries]
    modules = Counter(_module(entry.address) for entry in created)
    others = [entry.line() for entry in entries if entry.action != "create"]
    return [*others, *(f"+ {module}: {number} to create" for module, number in sorted(modules.items()))]


def _module(address: str) -> str:
    parts = address.split(".")
    return ".".join(parts[:2]) if parts[0] == "module" else "root module"


@dataclass(frozen=True, slots=True)
class _Entry:
    action: str
    address: str
    attributes: tuple[str, ...] = ()
    loses_data: bool = False
    note: str = ""

    def line(self) -> str:
        sign = _WORDS[self.action][0]
        named = f": {', '.join(self.attributes)}" if self.attributes else ""
        note = f" ({self.note})" if self.note else ""
        return f"{sign} {self.address}{named}{note}{'  ! DATA LOSS' if self.loses_data else ''}"


def _resources(plan: Mapping[str, Any]) -> Iterator[_Entry]:
    for resource in plan.get("resource_changes", ()):
        change = resource["change"]
        action = _ACTIONS.get(tuple(change["actions"]))
        note = _note(resource)
        if resource.get("mode") == "data" or (action is None and not note):
            continue
        action = action or "update"
        ends = action in ("delete", "replace") and resource.get("type") in _HOLDS_DATA
        attributes = _changed(change) if action in ("update", "replace") else ()
        yield _Entry(action, resource["address"], attributes, ends, note)


def _note(resource: Mapping[str, Any]) -> str:
    """Say what happens to the state rather than to the cloud, if anything."""
    if resource["change"]["actions"] == ["forget"]:
        return "no longer managed"
    if resource["change"].get("importing"):
        return "imported"
    previous = resource.get("previous_address")
    return f"moved from {previous}" if previous else ""


def _outputs(plan: Mapping[str, Any]) -> Iterator[_Entry]:
    for name, change in sorted(plan.get("output_changes", {}).items()):
        if action := _ACTIONS.get(tuple(change["actions"])):
            yield _Entry(action, f"output.{name}")


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
    return tuple(f"{name} (forces replacement)" if name in forcing else name for name in names)


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
