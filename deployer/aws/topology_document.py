"""The JSON that Terraform writes into the topology parameter, as a schema."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from deployer.errors import InputError
from deployer.model import Color


class _Outside(BaseModel):
    """Keys of later versions are ignored: an older checkout must still be able to roll back."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class _Public(_Outside):
    arn: str
    dns_name: str
    listener: str
    test_listener: str
    port: int
    test_port: int


class _Internal(_Outside):
    arn: str
    dns_name: str
    listeners: dict[Color, str]


class _LoadBalancers(_Outside):
    public: _Public
    internal: _Internal


class _Color(_Outside):
    service: str
    target_group: str
    scalable_target: str | None = None


class _Service(_Outside):
    repository: str
    family: str
    container_port: int
    execution_role: str
    task_role: str
    log_group: str
    security_groups: tuple[str, ...]
    health_path: str
    environment: dict[str, str] = {}
    color_environment: dict[Color, dict[str, str]] = {}
    secrets: dict[str, str] = {}
    colors: dict[Color, _Color]


class _Reconciler(_Outside):
    repository: str
    family: str
    execution_role: str
    task_role: str
    log_group: str


class _Document(_Outside):
    cluster: str
    url: str
    load_balancers: _LoadBalancers
    services: dict[str, _Service]
    subnets: tuple[str, ...]
    buckets: dict[str, str]
    reconciler: _Reconciler | None = None
    test_host: str | None = None
    alarms: tuple[str, ...] = ()


def check(text: str, parameter: str) -> dict[str, Any]:
    """The document as plain values. Raises InputError naming every key of it that is missing or wrong."""
    try:
        document = _Document.model_validate_json(text)
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'document'}: {e['msg']}" for e in error.errors())
        raise InputError(
            "reading the topology", f"{parameter}: {wrong}", "inv apply --env=… writes it anew from this checkout"
        ) from error
    return document.model_dump(mode="json")
