"""What a release of a service looks like to ECS. Pure: values in, the RegisterTaskDefinition request out."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from deployer.draining import STOP_TIMEOUT_S, VARIABLES
from deployer.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_ecs.type_defs import (
        ContainerDefinitionTypeDef,
        RegisterTaskDefinitionRequestTypeDef,
        TagTypeDef,
        TaskDefinitionTypeDef,
    )

    from deployer.model import Environment, Release, Service, ServiceTopology

USER = "10001:10001"
CONTENT = "com.indivillage.content"
"""The container's label that hashes everything else in the definition, except which release it is of."""
TMP = "tmp"
# The task's own, not this machine's.
TMP_PATH = "/tmp"  # noqa: S108 # nosec B108


def build(
    release: Release, service: Service, place: ServiceTopology, environment: Environment, image_reference: str
) -> RegisterTaskDefinitionRequestTypeDef:
    """Describe `service` as `release` wants it in its color; the same arguments give the same request.

    The container runs as a numeric user with a read-only root and no capabilities; /tmp is the one place it can
    write. Its health check is the image's own and the target group's. Raises InputError when a name is given both as
    a plain value and as a secret (ECS would refuse it).
    """
    values = variables(release, service, place, environment, image_reference)
    twice = sorted(set(values) & set(place.secrets))
    if twice:
        raise InputError(
            f"describing {service.name} for ECS",
            f"given both as a plain value and as a secret: {', '.join(twice)}",
            f"remove it from services.{service.name}.environment in {environment.tfvars}",
        )
    container: ContainerDefinitionTypeDef = {
        "name": service.name,
        "image": image_reference,
        "essential": True,
        "user": USER,
        "readonlyRootFilesystem": True,
        "stopTimeout": STOP_TIMEOUT_S,
        "portMappings": [{"containerPort": place.container_port, "protocol": "tcp"}],
        "environment": [{"name": name, "value": values[name]} for name in sorted(values)],
        "secrets": [{"name": name, "valueFrom": place.secrets[name]} for name in sorted(place.secrets)],
        "mountPoints": [{"sourceVolume": TMP, "containerPath": TMP_PATH, "readOnly": False}],
        "linuxParameters": {"capabilities": {"drop": ["ALL"]}, "initProcessEnabled": True},
        "logConfiguration": {
            "logDriver": "awslogs",
            "options": {
                "awslogs-group": place.log_group,
                "awslogs-region": environment.region,
                "awslogs-stream-prefix": release.color.value,
            },
        },
    }
    request: RegisterTaskDefinitionRequestTypeDef = {
        "family": place.family,
        "requiresCompatibilities": ["FARGATE"],
        "networkMode": "awsvpc",
        "cpu": str(service.cpu),
        "memory": str(service.memory),
        "executionRoleArn": place.execution_role,
        "taskRoleArn": place.task_role,
        "volumes": [{"name": TMP}],
        "containerDefinitions": [container],
    }
    own = {"release": release.id, "commit": release.commit, "color": release.color.value}
    request["tags"] = tags({**environment.tags, **own})
    container["dockerLabels"] = {CONTENT: _hash(request)}
    return request


def tags(values: Mapping[str, str]) -> list[TagTypeDef]:
    """The same as ECS writes them."""
    return [{"key": name, "value": value} for name, value in values.items()]


def _hash(request: RegisterTaskDefinitionRequestTypeDef) -> str:
    """Hash all but the release's name: two releases of one commit, images and configuration describe the same."""
    described: dict[str, object] = {name: value for name, value in request.items() if name != "tags"}
    described["containerDefinitions"] = [
        {**container, "environment": [entry for entry in container["environment"] if entry["name"] != "RELEASE"]}
        for container in request["containerDefinitions"]
    ]
    return hashlib.sha256(json.dumps(described, sort_keys=True).encode()).hexdigest()


def content(definition: TaskDefinitionTypeDef | RegisterTaskDefinitionRequestTypeDef, service: str) -> str:
    """Read the hash back; "" for a definition that has none: Terraform's placeholder, an older deployer's."""
    for container in definition.get("containerDefinitions", []):
        if container.get("name") == service:
            return container.get("dockerLabels", {}).get(CONTENT, "")
    return ""


def variables(
    release: Release, service: Service, place: ServiceTopology, environment: Environment, image_reference: str
) -> Mapping[str, str]:
    """Merge the container's plain variables: ours, Terraform's, the tfvars', the color's, then the release's name."""
    return {
        **VARIABLES,
        **place.environment,
        **service.environment,
        **place.color_environment.get(release.color, {}),
        "ENVIRONMENT": environment.short_name,
        "RELEASE": release.serves,
        "COMMIT": release.commit,
        "COLOR": release.color.value,
        "IMAGE_DIGEST": image_reference.partition("@")[2],
    }


def labels(definition: TaskDefinitionTypeDef, service: str) -> Mapping[str, str]:
    """Read a registered definition's plain variables back; none for a placeholder without a container so named."""
    for container in definition.get("containerDefinitions", []):
        if container.get("name") == service:
            return {entry["name"]: entry["value"] for entry in container.get("environment", [])}
    return {}


def is_of(definition: TaskDefinitionTypeDef, release: Release, service: str, image_reference: str) -> bool:
    """Whether a registered definition is this release's, in this color, with this image."""
    seen = labels(definition, service)
    images = [c.get("image") for c in definition.get("containerDefinitions", []) if c.get("name") == service]
    return (
        images == [image_reference]
        and {"RELEASE": release.serves, "COLOR": release.color.value}.items() <= seen.items()
    )


def log_stream(definition: TaskDefinitionTypeDef, container: str, task_arn: str) -> tuple[str, str] | None:
    """Name the (log group, stream) a task's container writes to: `<prefix>/<container>/<task id>` (awslogs driver).

    None when it does not log through awslogs with a prefix.
    """
    for described in definition.get("containerDefinitions", []):
        options = described.get("logConfiguration", {}).get("options", {})
        if described.get("name") == container and {"awslogs-group", "awslogs-stream-prefix"} <= options.keys():
            task_id = task_arn.rsplit("/", 1)[-1]
            return options["awslogs-group"], f"{options['awslogs-stream-prefix']}/{container}/{task_id}"
    return None
