"""What is deployed, asked of ECS and of the Docker Engine: the facts that the checks compare with."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from deployer.model import Secret

if TYPE_CHECKING:
    from botocore.config import Config
    from docker.models.containers import Container
    from mypy_boto3_ecs import ECSClient
    from mypy_boto3_ecs.type_defs import ContainerDefinitionOutputTypeDef, TaskTypeDef
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_secretsmanager import SecretsManagerClient

    from docker import DockerClient

SERVICES = ("backend", "frontend")
TASK_ARN_LABEL = "com.amazonaws.ecs.task-arn"
SECRET_NAME = re.compile(r"TOKEN|SECRET|PASSW|CREDENTIAL|PRIVATE_KEY|API_?KEY|BASIC_AUTH", re.IGNORECASE)
"""Names whose values are secrets wherever they appear."""
USER_IN_URL = re.compile(r"://[^/@\s:]*:[^/@\s]+@")
"""`scheme://user:password@…`"""


class NotDeployed(Exception):
    """What should run the release does not; the message says what was found instead."""


@dataclass(frozen=True, slots=True)
class RunningService:
    """One service of the release: its ECS service, its task definition's container, its running tasks."""

    name: str
    ecs_service: str
    definition: ContainerDefinitionOutputTypeDef = field(repr=False)  # it may hold what it should not
    task_arns: tuple[str, ...]
    desired: int

    @property
    def environment(self) -> Mapping[str, str]:
        """The plain variables of its task definition."""
        return {entry["name"]: entry["value"] for entry in self.definition.get("environment", [])}

    @property
    def secrets(self) -> Mapping[str, str]:
        """Variables that ECS fills from Secrets Manager: name -> where from."""
        return {entry["name"]: entry["valueFrom"] for entry in self.definition.get("secrets", [])}

    @property
    def digest(self) -> str:
        """The image's manifest digest (`sha256:…`), "" if it is deployed by tag."""
        return self.definition.get("image", "").partition("@")[2]


@dataclass
class Deployment:
    """The release under test. Everything is asked once, and of those who know: nothing is found by its name alone."""

    url: str
    release: str
    environment: str
    cloud: str
    cluster: str
    _services: dict[str, RunningService] = field(default_factory=dict, init=False)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Deployment | None:
        """Read the SMOKE_… variables that `inv smoke-test` sets; None when they are not all there."""
        names = ("URL", "RELEASE", "ENVIRONMENT", "CLOUD", "CLUSTER")
        values = [environ.get(f"SMOKE_{name}", "") for name in names]
        return cls(*values) if all(values) else None

    def service(self, name: str) -> RunningService:
        """Return what runs the release; raises NotDeployed when nothing does."""
        if name not in self._services:
            self._services[name] = self._find(name)
        return self._services[name]

    def containers(self, name: str) -> list[Container]:
        """Return the service's containers on this machine's engine, one for each of its tasks; raises NotDeployed."""
        found: list[Container] = []
        for arn in self.service(name).task_arns:
            here = self.engine.containers.list(filters={"label": f"{TASK_ARN_LABEL}={arn}"})
            if len(here) != 1:
                raise NotDeployed(f"{len(here)} containers carry the label of the {name} task {arn}, not 1")
            found += here
        return found

    def secret(self, value_from: str) -> Secret:
        """Return a secret as ECS would inject it: `<arn>` or `<arn>:<json key>:<stage>:<version>`."""
        parts = value_from.split(":")
        value = self._secrets_manager.get_secret_value(SecretId=":".join(parts[:7]))["SecretString"]
        return Secret(str(json.loads(value)[parts[7]]) if len(parts) > 7 and parts[7] else str(value))

    def secrets_in(self, text: str) -> list[str]:
        """Return the names of the release's secrets that are in the text; of user:password the password counts.

        A user's name (PGUSER) is no secret, though it comes from one.
        """
        found = []
        for service in SERVICES:
            for name, value_from in self.service(service).secrets.items():
                if SECRET_NAME.search(name) and self.secret(value_from).reveal().rpartition(":")[2] in text:
                    found.append(name)
        return found

    def stored_object(self, bucket: str, prefix: str, suffix: str) -> bytes | None:
        """Return the one S3 object whose key starts and ends so; None when there is none."""
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        keys = [item["Key"] for page in pages for item in page.get("Contents", []) if item["Key"].endswith(suffix)]
        body: bytes | None = self._s3.get_object(Bucket=bucket, Key=keys[0])["Body"].read() if keys else None
        return body

    def remove_object(self, bucket: str, prefix: str, suffix: str) -> None:
        """Remove what `stored_object` finds."""
        for page in self._s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            for item in page.get("Contents", []):
                if item["Key"].endswith(suffix):
                    self._s3.delete_object(Bucket=bucket, Key=item["Key"])

    @cached_property
    def engine(self) -> DockerClient:
        """The engine that runs the local cloud's tasks."""
        import docker

        return docker.from_env()

    def _find(self, name: str) -> RunningService:
        """Ask both colors' ECS services which of them runs the release."""
        names = [f"{self.cluster}-{name}-{color}" for color in ("blue", "green")]
        seen = []
        for service in self._ecs.describe_services(cluster=self.cluster, services=names)["services"]:
            tasks = self._tasks(service["serviceName"])
            running = [task for task in tasks if task["lastStatus"] == "RUNNING"]
            for arn in sorted({task["taskDefinitionArn"] for task in running}):
                definition = self._ecs.describe_task_definition(taskDefinition=arn)["taskDefinition"]
                container = next(c for c in definition["containerDefinitions"] if c["name"] == name)
                arns = tuple(task["taskArn"] for task in running if task["taskDefinitionArn"] == arn)
                found = RunningService(name, service["serviceName"], container, arns, service["desiredCount"])
                if found.environment.get("RELEASE") == self.release:
                    return found
                seen.append(f"{service['serviceName']} runs {found.environment.get('RELEASE', 'no release')}")
        raise NotDeployed(f"no {name} task runs {self.release}; {'; '.join(seen) or 'no task runs at all'}")

    def _tasks(self, service: str) -> list[TaskTypeDef]:
        pages = self._ecs.get_paginator("list_tasks").paginate(cluster=self.cluster, serviceName=service)
        arns = [arn for page in pages for arn in page["taskArns"]]
        return list(self._ecs.describe_tasks(cluster=self.cluster, tasks=arns)["tasks"]) if arns else []

    @cached_property
    def _ecs(self) -> ECSClient:
        import boto3

        return boto3.client("ecs", config=_config())

    @cached_property
    def _s3(self) -> S3Client:
        import boto3

        return boto3.client("s3", config=_config())

    @cached_property
    def _secrets_manager(self) -> SecretsManagerClient:
        import boto3

        return boto3.client("secretsmanager", config=_config())


def _config() -> Config:
    from botocore.config import Config

    return Config(connect_timeout=3, read_timeout=15, retries={"max_attempts": 3}, s3={"addressing_style": "path"})
