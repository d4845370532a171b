"""Run the ECS task that a rule of EventBridge asks for: MiniStack takes such targets, and only logs them when it fires.

Everything else about rules is MiniStack's: patterns, schedules (looked at every ten seconds), their state.
Source: https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_EcsParameters.html
"""

import json
import logging
from collections.abc import Mapping
from typing import Any

from localcloud.extension.emulator import replace
from localcloud.extension.state import forget_ended

log = logging.getLogger("localcloud.schedules")

STARTED_BY = "events-rule/"
STARTED_BY_MOST = 36
"""RunTask's limit; EventBridge cuts the rule's name off there, too."""

Target = Mapping[str, Any]


def install(eventbridge: Any, ecs: Any) -> None:
    """Let a rule's ECS targets end in RunTask; all others go on as before."""
    invoke = eventbridge._invoke_target

    def invoke_target(target: Target, event: Any, rule: Mapping[str, Any], view: Any = None) -> None:
        if "EcsParameters" not in target:
            invoke(target, event, rule, view)
            return
        forget_ended(ecs)  # a schedule makes tasks for ever
        status, _, body = ecs._run_task(request(target, rule["Name"]))
        if status >= 400:
            # On AWS the metric FailedInvocations of the rule counts this, and nobody else hears of it.
            log.warning("rule %s started no task: %s", rule["Name"], body)

    replace(eventbridge, "_invoke_target", invoke_target)


def request(target: Target, rule: str) -> dict[str, Any]:
    """The RunTask call that an ECS target stands for; an `Input` is the task's overrides, as on AWS."""
    wanted = target["EcsParameters"]
    network = (wanted.get("NetworkConfiguration") or {}).get("awsvpcConfiguration") or {}
    asked: dict[str, Any] = {
        "cluster": target["Arn"],
        "taskDefinition": wanted["TaskDefinitionArn"],
        "count": wanted.get("TaskCount") or 1,
        "launchType": wanted.get("LaunchType"),
        "platformVersion": wanted.get("PlatformVersion"),
        "group": wanted.get("Group"),
        # EventBridge writes these keys with capitals, ECS does not.
        "networkConfiguration": {"awsvpcConfiguration": {key[0].lower() + key[1:]: network[key] for key in network}},
        "overrides": json.loads(target["Input"]) if target.get("Input") else None,
        "startedBy": f"{STARTED_BY}{rule}"[:STARTED_BY_MOST],
    }
    return {key: value for key, value in asked.items() if value}
