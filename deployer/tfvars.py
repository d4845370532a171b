"""The part of terraform.tfvars that the deployer reads, as a schema. Terraform's variables.tf describes every key."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

Tag = Annotated[str, Field(pattern=r"^[A-Za-z0-9_ .:/=+@-]+$", max_length=256)]
"""What AWS takes as the value of a tag, of plain letters."""


class _Read(BaseModel):
    """Keys that only Terraform uses are its own to check. Strict, as Terraform is: true is no number."""

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)


class ServiceValues(_Read):
    """`services.<name>`; `cpu` in Fargate's CPU units, `memory` in MiB."""

    cpu: Literal[256, 512, 1024, 2048, 4096, 8192, 16384]
    memory: int = Field(ge=512, le=122880)
    count: int = Field(ge=1, le=100)
    port: int = Field(ge=1024, le=65535)
    health_path: str = Field(pattern=r"^/[\w./-]*$")
    environment: dict[str, str] = {}


class StepValues(_Read):
    """One step of `deployment.steps`."""

    weight_percent: int = Field(ge=1, le=100)
    bake_s: int = Field(ge=0, le=86400)


class DeploymentValues(_Read):
    """`deployment`."""

    strategy: Literal["rolling", "blue_green"]
    steps: list[StepValues] = Field(min_length=1)
    steady_timeout_s: int = Field(ge=10, le=3600)
    rehearsal_factor: float = Field(default=1.0, ge=0, le=1)

    @field_validator("steps")
    @classmethod
    def _ends_with_everybody(cls, steps: list[StepValues]) -> list[StepValues]:
        if steps[-1].weight_percent != 100:
            raise PydanticCustomError("last_step", "the last step has to be weight_percent = 100")
        return steps


class ServicesValues(_Read):
    """`services`: both are deployed, as one unit."""

    backend: ServiceValues
    frontend: ServiceValues


class AlarmsValues(_Read):
    """`alarms`; `period_s` is how often CloudWatch has the load balancer's metrics."""

    error_rate_percent: float = Field(gt=0, lt=100)
    latency_p95_ms: float = Field(gt=0)
    period_s: int = Field(default=60, ge=60, le=3600, multiple_of=60)


class ScalingValues(_Read):
    """`scaling`: how many tasks autoscaling leaves a live service, and may give it."""

    min: int = Field(ge=1, le=100)
    max: int = Field(ge=1, le=100)

    @field_validator("max")
    @classmethod
    def _not_below_min(cls, most: int, info: ValidationInfo) -> int:
        if most < info.data.get("min", most):
            raise PydanticCustomError("max_below_min", "max must not be below min")
        return most


class AccessValues(_Read):
    """`access`; `test_cidrs` are the ranges from which a release's tests reach the test listener on AWS."""

    test_cidrs: list[str] = []


class Values(_Read):
    """One environment's terraform.tfvars."""

    name: Literal["development", "staging", "production"]
    short_name: Literal["dev", "staging", "prod"]
    domain: str = Field(pattern=r"^[a-z0-9.-]+\.[a-z]+$")
    region: str = Field(pattern=r"^[a-z]{2}(-[a-z]+)+-\d$")
    replica_region: str = Field(pattern=r"^[a-z]{2}(-[a-z]+)+-\d$")
    account_id: str = Field(pattern=r"^\d{12}$")
    cloud: Literal["local", "aws"]
    branch: str = Field(pattern=r"^[\w./-]+$")
    owner: Tag
    cost_centre: Tag
    infrastructure_version: str = Field(pattern=r"^\d+\.\d+\.\d+$")
    deployment: DeploymentValues
    services: ServicesValues
    alarms: AlarmsValues
    scaling: ScalingValues
    access: AccessValues = AccessValues()
    stand_in: bool = False


def validate(values: dict[str, Any]) -> Values | tuple[str, ...]:
    """The typed values, or one line for each key that cannot be used."""
    try:
        return Values.model_validate(values)
    except ValidationError as error:
        return tuple(
            f"{'.'.join(map(str, problem['loc']))} "
            + ("is missing" if problem["type"] == "missing" else f"is {problem['input']!r:.60}: {problem['msg']}")
            for problem in error.errors(include_url=False)
        )
