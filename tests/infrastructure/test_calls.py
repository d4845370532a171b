"""Roles of people and CI may do what a plan and an apply do. test_controls.py asks it of all environments' plans."""

from __future__ import annotations

import json
import re

import pytest

from tests.infrastructure import calls, changes, hcl
from tests.infrastructure.conftest import CONFIGURATION
from tests.infrastructure.controls.found import Found
from tests.infrastructure.permitted import lacking, may

SECURITY = "production:module.security"


def kinds(block: str) -> set[str]:
    """The types of all blocks of this sort in the configuration."""
    found = (
        re.findall(rf'^{block} "(\w+)"', file.read_text("utf-8"), re.MULTILINE) for file in hcl.files(CONFIGURATION)
    )
    return {kind for those in found for kind in those}


def policy(block: str, *actions: str) -> Found:
    """A building block that allows these actions."""
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": "arn:aws:s3:::indivillage-prod-cdn-*/*"}
    return Found("aws_iam_policy", SECURITY, "block", {"policy": json.dumps({"Statement": [statement]})}, block)


def test_every_type_has_its_calls() -> None:
    """A new type of resource is asked for what it takes; one that is gone is not kept."""
    assert set(calls.REFRESHED) == kinds("resource")
    assert set(changes.CHANGED) == kinds("resource")
    assert set(calls.LOOKED_UP) == kinds("data") | kinds("ephemeral")


@pytest.mark.parametrize("missing", ["s3:GetObject", "s3:GetObjectTagging"])
def test_a_plan_that_may_not_read_is_noticed(missing: str) -> None:
    """The error page is an object, which no right to look at buckets lets anybody read."""
    given = {"s3:GetObject", "s3:GetObjectTagging"} - {missing}
    things = [policy("plan", *given), Found("aws_s3_object", "production:module.cdn[0]", "unavailable", {})]
    noticed = [line for line in lacking(things) if "aws_s3_object: plan" in line]
    assert noticed == [f"production: aws_s3_object: plan: {missing}@-cdn-"]


def test_what_only_a_release_may_helps_no_plan() -> None:
    """A plan is made by people who have no more than `read` and `plan`."""
    things = [policy("data", "sns:*"), Found("aws_sns_topic", "production:module.monitoring", "this", {})]
    noticed = [line for line in lacking(things) if "aws_sns_topic" in line]
    assert noticed == [
        "production: aws_sns_topic: plan: sns:GetTopicAttributes",
        "production: aws_sns_topic: plan: sns:ListTagsForResource",
    ]


def test_what_has_no_resource_is_not_had_by_naming_one() -> None:
    """AWS compares such a call with nothing but a star."""
    narrowed = {"Action": "grafana:CreateWorkspace", "Resource": "arn:aws:grafana:ap-southeast-1:1:/workspaces*"}
    assert not may([narrowed], "grafana:CreateWorkspace@*")
    assert may([{**narrowed, "Resource": "*"}], "grafana:CreateWorkspace@*")


@pytest.mark.parametrize("name", ["ci", "boundary"])
def test_what_is_forbidden_is_lacking(name: str) -> None:
    """A ban on every verb keeps a plan from looking, too."""
    bans = [
        {"Effect": "Allow", "Action": "iam:*", "Resource": "*"},
        {"Effect": "Deny", "Action": "iam:*OpenIDConnectProvider*", "Resource": "*"},
    ]
    ban = Found("aws_iam_policy", SECURITY, name, {"policy": json.dumps({"Statement": bans})}, "people")
    things = [ban, policy("plan", "iam:Get*"), Found("aws_iam_openid_connect_provider", SECURITY, "ci", {})]
    noticed = [line for line in lacking(things) if "aws_iam_openid_connect_provider: plan" in line]
    assert noticed == ["production: aws_iam_openid_connect_provider: plan: iam:GetOpenIDConnectProvider"]


@pytest.mark.parametrize(("call", "allowed"), [("kms:TagResource", True), ("kms:TagResource@aws:RequestTag", False)])
def test_a_right_that_depends_is_told_apart(call: str, allowed: bool) -> None:
    """A key that is not there yet has no tag: who may only change tagged keys makes none."""
    statement = {
        "Action": "kms:*TagResource",
        "Condition": {"StringEquals": {"aws:ResourceTag/environment": "production"}},
    }
    assert may([statement], call) == allowed
