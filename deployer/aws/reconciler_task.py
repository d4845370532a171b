"""The scheduled reconciler as ECS sees it: one family, whose newest revision the environment's EventBridge rule runs.

The rule names the family without a revision, which means the newest active one (API page of RunTask, taskDefinition):
registering a revision is all it takes, and Terraform, which owns the rule, sees no drift.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from deployer.aws.faults import Expected, mapped
from deployer.aws.task_definition import CONTENT, TMP, TMP_PATH, USER, content, tags
from deployer.draining import STOP_TIMEOUT_S

if TYPE_CHECKING:
    from mypy_boto3_ecs.type_defs import ContainerDefinitionTypeDef, RegisterTaskDefinitionRequestTypeDef

    from deployer.aws.session import Session
    from deployer.model import Environment, ReconcilerTopology

CONTAINER = "reconciler"
CPU = "256"
MEMORY_MIB = "512"


def build(
    place: ReconcilerTopology, environment: Environment, image_reference: str
) -> RegisterTaskDefinitionRequestTypeDef:
    """Describe the task; the same arguments give the same request. It gets no secret: its role is all it may do."""
    container: ContainerDefinitionTypeDef = {
        "name": CONTAINER,
        "image": image_reference,
        "essential": True,
        "user": USER,
        "readonlyRootFilesystem": True,
        "stopTimeout": STOP_TIMEOUT_S,
        "command": [
            *("python3", "-m", "deployer.reconciler"),
            *(f"--env={environment.short_name}", f"--cloud={environment.cloud}"),
        ],
        "mountPoints": [{"sourceVolume": TMP, "containerPath": TMP_PATH, "readOnly": False}],
        "linuxParameters": {"capabilities": {"drop": ["ALL"]}, "initProcessEnabled": True},
        "logConfiguration": {
            "logDriver": "awslogs",
            "options": {
                "awslogs-group": place.log_group,
                "awslogs-region": environment.region,
                "awslogs-stream-prefix": "scheduled",
            },
        },
    }
    request: RegisterTaskDefinitionRequestTypeDef = {
        "family": place.family,
        "requiresCompatibilities": ["FARGATE"],
        "networkMode": "awsvpc",
        "cpu": CPU,
        "memory": MEMORY_MIB,
        "executionRoleArn": place.execution_role,
        "taskRoleArn": place.task_role,
        "volumes": [{"name": TMP}],
        "containerDefinitions": [container],
    }
    container["dockerLabels"] = {CONTENT: hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()}
    request["tags"] = tags(environment.tags)
    return request


def schedule(session: Session, place: ReconcilerTopology, image_reference: str) -> bool:
    """Register the task unless the family's newest revision is it already; whether that was needed.

    Older revisions are deregistered: nothing runs them any more.
    """
    wanted = build(place, session.environment, image_reference)
    attempted = f"scheduling the reconciler of {session.environment.name}"
    try:
        # ECS answers a family without an active revision so.
        with mapped(attempted, expected={"ClientException"}):
            newest = session.ecs.describe_task_definition(taskDefinition=place.family)["taskDefinition"]
    except Expected:
        newest = {}
    if content(newest, CONTAINER) == wanted["containerDefinitions"][0]["dockerLabels"][CONTENT]:
        return False
    with mapped(attempted):
        registered = session.ecs.register_task_definition(**wanted)["taskDefinition"]["taskDefinitionArn"]
        known = session.ecs.list_task_definitions(familyPrefix=place.family, status="ACTIVE")["taskDefinitionArns"]
        for arn in known:
            if arn != registered:
                session.ecs.deregister_task_definition(taskDefinition=arn)
    return True
