"""Which updates let go of what would have stayed."""

from __future__ import annotations

from typing import Any

import pytest

from deployer.tools.retention import shortened


def rule(name: str, days: int | None, status: str = "Enabled") -> dict[str, Any]:
    """A lifecycle rule that ends objects after so many days."""
    return {"id": name, "status": status, "expiration": [{"days": days}] if days else []}


def old(days: int | None) -> dict[str, Any]:
    """A rule that ends old versions."""
    ends = [{"noncurrent_days": days}] if days else []
    return {"id": "old", "status": "Enabled", "noncurrent_version_expiration": ends}


def daily(days: int | None) -> dict[str, Any]:
    """A backup plan with one rule."""
    return {"rule": [{"rule_name": "daily", "lifecycle": [{"delete_after": days}] if days else []}]}


def versions(status: str) -> dict[str, Any]:
    """Whether a bucket keeps versions."""
    return {"versioning_configuration": [{"status": status}]}


LIFECYCLE, LOGS, PLAN = "aws_s3_bucket_lifecycle_configuration", "aws_cloudwatch_log_group", "aws_backup_plan"


@pytest.mark.parametrize(
    ("kind", "longer", "shorter"),
    [
        ("aws_db_instance", {"backup_retention_period": 30}, {"backup_retention_period": 29}),
        ("aws_db_instance", {"backup_retention_period": 1}, {"backup_retention_period": 0}),
        ("aws_db_instance_automated_backups_replication", {"retention_period": 30}, {"retention_period": 7}),
        ("aws_elasticache_replication_group", {"snapshot_retention_limit": 7}, {"snapshot_retention_limit": None}),
        (LOGS, {"retention_in_days": 30}, {"retention_in_days": 7}),
        (LOGS, {"retention_in_days": 0}, {"retention_in_days": 3653}),
        ("aws_s3_bucket_versioning", versions("Enabled"), versions("Suspended")),
        (LIFECYCLE, {"rule": [rule("a", 30)]}, {"rule": [rule("a", 29)]}),
        (LIFECYCLE, {"rule": []}, {"rule": [rule("a", 3650)]}),
        (LIFECYCLE, {"rule": [rule("a", 1, "Disabled")]}, {"rule": [rule("a", 1)]}),
        (LIFECYCLE, {"rule": [old(90)]}, {"rule": [old(30)]}),
        (LIFECYCLE, {"rule": [rule("a", 30), old(None)]}, {"rule": [rule("a", 60), old(30)]}),
        (PLAN, daily(35), daily(7)),
        (PLAN, daily(None), daily(365)),
    ],
)  # fmt: skip
def test_what_is_kept_for_less_is_lost(kind: str, longer: dict[str, Any], shorter: dict[str, Any]) -> None:
    """And what is kept for longer, or as long, is not."""
    assert shortened(kind, longer, shorter)
    assert not shortened(kind, shorter, shorter)
    assert shortened(kind, shorter, longer) == (kind == LIFECYCLE and len(longer["rule"]) == 2)


def test_other_changes_lose_nothing() -> None:
    """Another attribute, one that is known later, another type."""
    assert not shortened("aws_db_instance", {"backup_retention_period": 30, "size": 2}, {"backup_retention_period": 30})
    assert not shortened("aws_db_instance", {"backup_retention_period": 30}, {})
    assert not shortened("aws_lb", {"idle_timeout": 60}, {"idle_timeout": 30})
