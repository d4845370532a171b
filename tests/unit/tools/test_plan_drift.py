"""What of a plan's JSON is drift: what somebody changed and the plan would put back, without a secret's value."""

from __future__ import annotations

from typing import Any

import pytest

from deployer.model import Difference, Drift
from deployer.tools.plan_drift import found

LB = "module.compute.aws_lb.public"


def plan(
    state: dict[str, Any] | None,
    cloud: dict[str, Any] | None,
    configuration: dict[str, Any] | None,
    *,
    address: str = LB,
    hidden: object = (),
    unknown: object = (),
) -> dict[str, Any]:
    """The JSON of a plan for one resource of which these three say something."""
    marks = {"before_sensitive": hidden or {}, "after_sensitive": hidden or {}}
    drifted = {"actions": ["update"] if cloud else ["delete"], "before": state, "after": cloud, **marks}
    actions = ["no-op"] if cloud == configuration else ["update"] if cloud else ["create"]
    planned = {"actions": actions, "before": cloud, "after": configuration, "after_unknown": unknown or {}, **marks}
    return {
        "resource_drift": [{"address": address, "mode": "managed", "type": "aws_lb", "change": drifted}],
        "resource_changes": [{"address": address, "mode": "managed", "type": "aws_lb", "change": planned}],
    }


def differences(*given: Any, **more: Any) -> list[tuple[str, ...]]:
    """Each difference as attribute, state, configuration, cloud."""
    told = found(plan(*given, **more)).differences
    return [(one.attribute, one.recorded, one.wanted, one.found) for one in told]


def test_nothing_planned_is_no_drift() -> None:
    """A clean plan is not even read back."""
    assert Drift(()) == found({})


def test_what_somebody_changed_is_told_with_all_three_values() -> None:
    """By resource and attribute; what agrees is left out."""
    was = {"idle_timeout": 60, "name": "public", "tags": {"owner": "us"}}
    told = found(plan(was, {**was, "idle_timeout": 120}, was))

    assert Drift((Difference(LB, "idle_timeout", "60", "60", "120"),)) == told


def test_a_configuration_that_moved_on_is_told_beside_the_state() -> None:
    """State, configuration and cloud may say three things."""
    assert [("n", "1", "3", "2")] == differences({"n": 1}, {"n": 2}, {"n": 3})


def test_what_the_deployer_owns_is_no_drift() -> None:
    """Terraform reads another count and another weight, and plans nothing: `ignore_changes` says who owns them."""
    moved = {"desired_count": 2, "task_definition": "web:7"}

    assert Drift(()) == found(plan({"desired_count": 0, "task_definition": "web:1"}, moved, moved))


def test_what_the_deployer_owns_is_left_out_beside_real_drift() -> None:
    """Of one resource, too: only what the plan would put back."""
    state = {"desired_count": 0, "propagate_tags": "SERVICE"}
    cloud = {"desired_count": 2, "propagate_tags": "NONE"}

    assert [("propagate_tags", '"SERVICE"', '"SERVICE"', '"NONE"')] == differences(
        state, cloud, {**state, "desired_count": 2}
    )


def test_what_is_gone_is_told() -> None:
    """A resource that somebody deleted is one difference, whatever it was made of."""
    assert (Difference(LB, "", "there", "there", "gone"),) == found(plan({"a": 1}, None, {"a": 1})).differences


def test_what_nobody_wants_back_is_no_drift() -> None:
    """Deleted in the cloud and in the configuration: there is nothing to put back."""
    shown = plan({"a": 1}, None, None)
    shown["resource_changes"] = []

    assert Drift(()) == found(shown)


def test_changes_that_are_no_drift_are_counted_apart() -> None:
    """What the configuration says and nobody has applied yet; outputs follow from it."""
    shown = plan({"a": 1}, {"a": 2}, {"a": 1})
    waiting = {"actions": ["create"], "before": None, "after": {"a": 1}}
    shown["resource_changes"].append({"address": "aws_lb.new", "mode": "managed", "type": "aws_lb", "change": waiting})
    shown["output_changes"] = {"url": {"actions": ["update"]}}

    assert (1, 1) == (len(found(shown).differences), found(shown).pending)


@pytest.mark.parametrize(
    ("hidden", "value"),
    [
        ({"value": True}, ("hunter2", "hunter3")),
        ({"value": True}, ('{"key": "hunter2"}', '{"key": "hunter3"}')),
        (True, ("hunter2", "hunter3")),
    ],
)
def test_a_sensitive_value_is_hidden(hidden: object, value: tuple[str, str]) -> None:
    """That it differs is told; what it is, nowhere."""
    told = found(plan({"value": value[0]}, {"value": value[1]}, {"value": value[0]}, hidden=hidden))

    assert ["(sensitive)"] * 3 == [part for one in told.differences for part in (one.recorded, one.wanted, one.found)]
    assert "hunter" not in repr(told)


@pytest.mark.parametrize("name", ["password", "master_password", "auth_token", "secret_string"])
def test_a_secret_that_nobody_marked_is_hidden_too(name: str) -> None:
    """By its name, however deep it is."""
    told = found(plan({"a": [{name: "hunter2"}]}, {"a": [{name: "hunter3"}]}, {"a": [{name: "hunter2"}]}))

    assert 1 == len(told.differences)
    assert "hunter" not in repr(told)


def test_a_sensitive_part_hides_itself_and_nothing_else() -> None:
    """Terraform marks leaves."""
    state = {"env": [{"name": "A", "value": "hunter2"}]}
    cloud = {"env": [{"name": "B", "value": "hunter3"}]}
    told = differences(state, cloud, state, hidden={"env": [{"value": True}]})

    assert [("env[0].name", '"A"', '"A"', '"B"'), ("env[0].value", *["(sensitive)"] * 3)] == told


def test_one_line_of_a_policy_is_one_difference() -> None:
    """JSON within a text is compared by its parts; an order of keys is none."""
    state = {"policy": '{"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Sid": "Tls"}]}'}
    cloud = {"policy": '{"Statement": [{"Sid": "Tls", "Effect": "Allow"}], "Version": "2012-10-17"}'}

    assert [("policy.Statement[0].Effect", '"Deny"', '"Deny"', '"Allow"')] == differences(state, cloud, state)


def test_a_tag_is_told_once() -> None:
    """With default tags it stands in two attributes."""
    state = {"tags": {"owner": "us"}, "tags_all": {"owner": "us", "project": "x"}}
    cloud = {"tags": {"owner": "them"}, "tags_all": {"owner": "them"}}

    assert [
        ("tags.owner", '"us"', '"us"', '"them"'),
        ("tags_all.project", '"x"', '"x"', "(not set)"),
    ] == differences(state, cloud, state)


@pytest.mark.parametrize(("before", "after"), [(None, []), ({}, None), ("", None)])
def test_what_is_not_set_either_way_is_no_difference(before: object, after: object) -> None:
    """Terraform writes it now so, now so."""
    assert [] == differences({"a": before, "b": 1}, {"a": after, "b": 1}, {"a": before, "b": 2})


def test_lists_are_told_whole_and_long_values_cut() -> None:
    """A list of names is one value; nobody reads a page of it."""
    assert [("zones", '["a", "b"]', '["a", "b"]', '["b"]')] == differences(
        {"zones": ["a", "b"]}, {"zones": ["b"]}, {"zones": ["a", "b"]}
    )
    assert 161 == len(differences({"text": "x" * 500}, {"text": "y"}, {"text": "x" * 500})[0][1])


def test_what_only_an_apply_will_tell_is_left_out_beside_what_somebody_set() -> None:
    """A version that AWS counts up; alone it is all that there is to tell."""
    alone = differences({"version": 1}, {"version": 2}, {}, unknown={"version": True})
    beside = differences({"version": 1, "n": 1}, {"version": 2, "n": 2}, {"n": 1}, unknown={"version": True})

    assert [("version", "1", "(known after apply)", "2")] == alone
    assert [("n", "1", "1", "2")] == beside
