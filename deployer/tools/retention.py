"""How long a resource keeps what it holds, as a plan writes it: what is shortened goes sooner than it was meant to.

Pure. Days, or whatever unit the attribute has: only the same attribute is compared with itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

FOR_EVER = math.inf
Values = Mapping[str, Any]


def shortened(kind: str, before: Values, after: Values) -> bool:
    """Whether an update of a resource of type `kind` lets anything go that would have stayed."""
    read = _KEPT.get(kind)
    if read is None:
        return False
    was, will = dict(read(before)), dict(read(after))
    return any(will.get(name, FOR_EVER) < was.get(name, FOR_EVER) for name in {*was, *will})


def _attribute(name: str, *, none: float = 0) -> Callable[[Values], Iterator[tuple[str, float]]]:
    """A single number; `none` is what its absence and 0 mean."""

    def read(values: Values) -> Iterator[tuple[str, float]]:
        if name in values:  # else it is known only after the apply
            yield name, values[name] or none

    return read


def _versions(values: Values) -> Iterator[tuple[str, float]]:
    for block in _blocks(values, "versioning_configuration"):
        yield "versions", FOR_EVER if block.get("status") == "Enabled" else 0


def _rules(values: Values) -> Iterator[tuple[str, float]]:
    """Of a bucket: objects by age, and old versions; a rule that is off ends nothing."""
    for rule in _blocks(values, "rule"):
        if rule.get("status") == "Enabled":
            for name, days in (("expiration", "days"), ("noncurrent_version_expiration", "noncurrent_days")):
                for block in _blocks(rule, name):
                    yield f"{rule.get('id')} {name}", block.get(days) or FOR_EVER


def _backups(values: Values) -> Iterator[tuple[str, float]]:
    for rule in _blocks(values, "rule"):
        for block in _blocks(rule, "lifecycle"):
            yield str(rule.get("rule_name")), block.get("delete_after") or FOR_EVER


def _blocks(values: Values, name: str) -> list[Values]:
    return [block for block in values.get(name) or () if isinstance(block, Mapping)]


_KEPT: Mapping[str, Callable[[Values], Iterator[tuple[str, float]]]] = {
    "aws_backup_plan": _backups,
    "aws_cloudwatch_log_group": _attribute("retention_in_days", none=FOR_EVER),
    "aws_db_instance": _attribute("backup_retention_period"),
    "aws_db_instance_automated_backups_replication": _attribute("retention_period"),
    "aws_elasticache_replication_group": _attribute("snapshot_retention_limit"),
    "aws_s3_bucket_lifecycle_configuration": _rules,
    "aws_s3_bucket_versioning": _versions,
}
