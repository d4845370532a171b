"""A rule of EventBridge that starts an ECS task, with a real container."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from typing import Any

import pytest

from tests.contract.localcloud.stand import CLUSTER, REGION, Stand, wait_for

ACCOUNT = "000000000000"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/starts-tasks"


@pytest.fixture
def rule(stand: Stand) -> Iterator[tuple[Any, str]]:
    """An EventBridge client and a rule that fires on events of its own name: a schedule would take a minute."""
    events, name = stand.client("events"), f"rule-{secrets.token_hex(4)}"
    events.put_rule(Name=name, EventPattern=json.dumps({"source": [name]}))
    yield events, name
    events.remove_targets(Rule=name, Ids=["task"])
    events.delete_rule(Name=name)


def target(stand: Stand, **further: Any) -> dict[str, Any]:
    """An ECS target on the family `odd`, without a revision: the newest is meant."""
    return {
        "Id": "task",
        "Arn": f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/{CLUSTER}",
        "RoleArn": ROLE,
        "EcsParameters": {
            "TaskDefinitionArn": f"arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/{stand.name}-odd",
            "LaunchType": "FARGATE",
            "TaskCount": 1,
            "NetworkConfiguration": {"awsvpcConfiguration": {"Subnets": ["subnet-a"], "AssignPublicIp": "DISABLED"}},
        },
        **further,
    }


def fire(events: Any, name: str) -> None:
    """Send the event that the rule waits for."""
    sent = events.put_events(Entries=[{"Source": name, "DetailType": "test", "Detail": "{}"}])
    assert 0 == sent["FailedEntryCount"]


def test_a_rule_runs_the_newest_task_definition_of_a_family(stand: Stand, rule: tuple[Any, str]) -> None:
    """It runs in the target's cluster, is said to be started by the rule, and its container's exit code is kept."""
    events, name = rule
    assert stand.listener
    stand.ecs.create_cluster(clusterName=CLUSTER)
    stand.revision("odd")
    newest = stand.revision("odd", CRASH="1")
    events.put_targets(Rule=name, Targets=[target(stand)])

    fire(events, name)

    ended = wait_for(lambda: stand.tasks("odd", "STOPPED"), "the task to end")
    assert [(newest, f"events-rule/{name}", 7)] == [
        (task["taskDefinitionArn"], task["startedBy"], task["containers"][0]["exitCode"]) for task in ended
    ]
    kept = events.list_targets_by_rule(Rule=name)["Targets"]
    assert [target(stand)] == kept, "Terraform reads it back and would see a drift"


def test_the_input_of_a_target_overrides_the_container(stand: Stand, rule: tuple[Any, str]) -> None:
    """As RunTask's overrides do."""
    events, name = rule
    assert stand.listener
    stand.ecs.create_cluster(clusterName=CLUSTER)
    stand.revision("odd", CRASH="1")
    overrides = {"containerOverrides": [{"name": "app", "command": ["exit 3"]}]}
    events.put_targets(Rule=name, Targets=[target(stand, Input=json.dumps(overrides))])

    fire(events, name)

    ended = wait_for(lambda: stand.tasks("odd", "STOPPED"), "the task to end")
    assert [3] == [task["containers"][0]["exitCode"] for task in ended]


def test_a_rule_whose_task_cannot_be_started_harms_nobody(stand: Stand, rule: tuple[Any, str]) -> None:
    """No such family: nothing starts, and the rule's next event starts a task once there is one."""
    events, name = rule
    assert stand.listener
    stand.ecs.create_cluster(clusterName=CLUSTER)
    events.put_targets(Rule=name, Targets=[target(stand)])
    fire(events, name)
    assert [] == stand.tasks("odd") + stand.tasks("odd", "STOPPED")

    stand.revision("odd", CRASH="1")
    fire(events, name)

    assert 1 == len(wait_for(lambda: stand.tasks("odd", "STOPPED"), "the task to end"))
