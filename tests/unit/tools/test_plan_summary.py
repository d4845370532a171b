"""What a plan would change, in values and words."""

from __future__ import annotations

from typing import Any

import pytest

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
    summary = summarise(plan(resource("aws_vpc.a", "no-op"), resource("aws_ami.a", "read", mode="data"), url=["no-op"]))

    assert () == summary.changes
    assert ("nothing to change",) == summary.lines


@pytest.mark.parametrize(
    ("actions", "action", "line"),
    [
        (["create"], "create", "+ aws_lb.public"),
        (["update"], "update", "~ aws_lb.public"),
        (["delete"], "delete", "- aws_lb.public"),
        (["delete", "create"], "replace", "± aws_lb.public"),
        (["create", "delete"], "replace", "± aws_lb.public"),
        (["forget"], "update", "~ aws_lb.public (no longer managed)"),
    ],
)
def test_actions(actions: list[str], action: str, line: str) -> None:
    """Terraform's combinations become four actions."""
    summary = summarise(plan(resource("aws_lb.public", *actions)))

    assert ((action, "aws_lb.public"),) == summary.changes
    assert line == summary.lines[1]


def test_counts_are_terraforms() -> None:
    """Outputs are counted apart, as Terraform does."""
    summary = summarise(plan(resource("aws_lb.a", "create"), resource("aws_lb.b", "update"), url=["create"]))

    assert "1 to create, 1 to update, 1 output to change" == summary.lines[0]
    assert ("create", "output.url") in summary.changes


def test_changed_attributes_are_named_without_values() -> None:
    """The names of what differs; what stays equal and what is only empty in another way is left out."""
    update = resource(
        "aws_db_instance.main",
        "update",
        before={"password": "hunter2-old", "size": 20, "tags": None, "name": "x"},
        after={"password": "hunter2-new", "size": 40, "tags": {}, "name": "x"},
        after_unknown={"endpoint": True, "list": [{"a": False}]},
    )
    summary = summarise(plan(update))

    assert "~ aws_db_instance.main: endpoint, password, size" == summary.lines[1]
    assert "hunter2" not in repr(summary)


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

    assert "± aws_lb.public: name (forces replacement)" == summarise(plan(replace)).lines[1]


@pytest.mark.parametrize("kind", ["aws_db_instance", "aws_s3_bucket", "aws_secretsmanager_secret"])
@pytest.mark.parametrize("actions", [["delete"], ["delete", "create"]])
def test_data_loss_is_marked_and_comes_first(kind: str, actions: list[str]) -> None:
    """Whoever reads only the first line below the counts sees what would be lost."""
    summary = summarise(plan(resource("aws_lb.a", "update"), resource(f"module.x.{kind}.z", *actions)))

    assert (f"module.x.{kind}.z",) == summary.data_loss
    assert summary.lines[1].endswith("! DATA LOSS")


def test_what_only_surrounds_data_is_not_marked() -> None:
    """A bucket's policy, and a database that is only changed, lose nothing."""
    summary = summarise(plan(resource("aws_s3_bucket_policy.a", "delete"), resource("aws_db_instance.b", "update")))

    assert () == summary.data_loss


def test_moves_and_imports_are_told() -> None:
    """They change the state, so the plan is not empty."""
    moved = resource("aws_lb.new", "no-op", previous_address="aws_lb.old")
    imported = resource("aws_lb.found", "no-op", importing={"id": "x"})
    summary = summarise(plan(moved, imported))

    assert ("~ aws_lb.found (imported)", "~ aws_lb.new (moved from aws_lb.old)") == summary.lines[1:]


def test_many_creations_are_told_by_module() -> None:
    """A first plan fits on a screen; what is changed or destroyed is still told one by one."""
    created = [resource(f"module.net.aws_subnet.s{number:02}", "create") for number in range(20)]
    summary = summarise(plan(*created, resource("aws_ssm_parameter.p", "create"), resource("aws_lb.a", "delete")))

    expected = ("- aws_lb.a", "+ module.net: 20 to create", "+ root module: 1 to create")
    assert expected == summary.lines[1:]
    assert 22 == len(summary.changes)
