"""What a plan would change."""

from __future__ import annotations

from typing import Any

import pytest

from deployer.model import Change
from deployer.tools.plan_summary import summarise


def resource(address: str, *actions: str, **change: Any) -> dict[str, Any]:
    """Return one resource of a plan's JSON."""
    kind = address.rsplit(".", 2)[-2]
    previous = change.pop("previous_address", None)
    return {
        "address": address,
        "mode": change.pop("mode", "managed"),
        "type": kind,
        "change": {"actions": list(actions), "before": None, "after": None, **change},
        **({"previous_address": previous} if previous else {}),
    }


def plan(*resources: dict[str, Any], **outputs: list[str]) -> dict[str, Any]:
    """Return a plan's JSON."""
    changes = {name: {"actions": actions} for name, actions in outputs.items()}
    return {"resource_changes": list(resources), "output_changes": changes}


def test_nothing_to_change() -> None:
    """No-ops and reads are no changes."""
    shown = plan(resource("aws_vpc.a", "no-op"), resource("aws_ami.a", "read", mode="data"), url=["no-op"])

    assert () == summarise(shown)


@pytest.mark.parametrize(
    ("actions", "action", "note"),
    [
        (["create"], "create", ""),
        (["update"], "update", ""),
        (["delete"], "delete", ""),
        (["delete", "create"], "replace", ""),
        (["create", "delete"], "replace", ""),
        (["forget"], "update", "no longer managed"),
    ],
)
def test_actions(actions: list[str], action: str, note: str) -> None:
    """Terraform's combinations become four actions."""
    assert (Change(action, "aws_lb.public", note=note),) == summarise(plan(resource("aws_lb.public", *actions)))


def test_outputs_come_last() -> None:
    """By name of their own, which no resource has."""
    shown = plan(resource("aws_lb.b", "update"), resource("aws_lb.a", "create"), url=["create"])

    assert ["aws_lb.a", "aws_lb.b", "output.url"] == [change.address for change in summarise(shown)]


def test_changed_attributes_are_named_without_values() -> None:
    """The names of what differs; what stays equal and what is only empty in another way is left out."""
    update = resource(
        "aws_db_instance.main",
        "update",
        before={"password": "hunter2-old", "size": 20, "tags": None, "name": "x"},
        after={"password": "hunter2-new", "size": 40, "tags": {}, "name": "x"},
        after_unknown={"endpoint": True, "list": [{"a": False}]},
    )
    changes = summarise(plan(update))

    assert ("endpoint", "password", "size") == changes[0].attributes
    assert "hunter2" not in repr(changes)


def test_replacement_names_what_forces_it() -> None:
    """Of a replaced resource everything computed is unknown: only what really differs is named."""
    replace = resource(
        "aws_lb.public",
        "delete",
        "create",
        before={"name": "old", "arn": "a"},
        after={"name": "new"},
        after_unknown={"arn": True, "id": True},
        replace_paths=[["name"]],
    )

    assert ("name (forces replacement)",) == summarise(plan(replace))[0].attributes


LOST = (
    *("aws_db_instance", "aws_rds_cluster", "aws_elasticache_replication_group", "aws_s3_bucket"),
    *("aws_efs_file_system", "aws_kms_key", "aws_secretsmanager_secret", "aws_cloudwatch_log_group"),
    *("aws_ecr_repository", "aws_backup_vault"),
)


@pytest.mark.parametrize("kind", LOST)
@pytest.mark.parametrize("actions", [["delete"], ["delete", "create"], ["create", "delete"]])
def test_the_end_of_what_holds_data_is_a_loss(kind: str, actions: list[str]) -> None:
    """Deleted or replaced, in whatever order."""
    assert [True] == [change.loses_data for change in summarise(plan(resource(f"module.x.{kind}.z", *actions)))]


def test_what_only_surrounds_data_is_no_loss() -> None:
    """A bucket's policy, a database that is only changed or no longer managed, and a new one lose nothing."""
    shown = plan(
        resource("aws_s3_bucket_policy.a", "delete"),
        resource("aws_db_instance.b", "update"),
        resource("aws_db_instance.c", "create"),
        resource("aws_db_instance.d", "forget"),
    )

    assert [False] * 4 == [change.loses_data for change in summarise(shown)]


def test_what_is_kept_for_less_time_is_a_loss() -> None:
    """An update, too: the backups of the days that go are gone at once."""
    days = [{"before": {"backup_retention_period": was}, "after": {"backup_retention_period": 7}} for was in (30, 7, 1)]
    shown = plan(*(resource(f"aws_db_instance.d{number}", "update", **one) for number, one in enumerate(days)))

    assert [True, False, False] == [change.loses_data for change in summarise(shown)]


def test_moves_and_imports_are_told() -> None:
    """They change the state, so the plan is not empty."""
    moved = resource("aws_lb.new", "no-op", previous_address="aws_lb.old")
    imported = resource("aws_lb.found", "no-op", importing={"id": "x"})

    assert (
        Change("update", "aws_lb.found", note="imported"),
        Change("update", "aws_lb.new", note="moved from aws_lb.old"),
    ) == summarise(plan(moved, imported))
