"""Reads what Terraform made from the SSM parameter it wrote, and checks it at this edge."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from deployer.aws.faults import Expected, mapped
from deployer.errors import InputError
from deployer.model import Color, ColorTopology, ReconcilerTopology, ServiceTopology, Topology

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deployer.aws.session import Session

T = TypeVar("T")


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


class StoredTopology:
    """The environment's topology, read once and kept: an object serves one command."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._lock = threading.Lock()
        self._known: Topology | None = None

    def __call__(self) -> Topology:
        """Return the topology as first read. Raises InputError when the environment was never applied."""
        with self._lock:
            if self._known is None:
                self._known = self._read()
            return self._known

    def _read(self) -> Topology:
        environment = self._session.environment
        attempted = f"reading the topology of {environment.name}"
        try:
            with mapped(attempted, expected={"ParameterNotFound"}):
                answer = self._session.ssm.get_parameter(Name=environment.topology_parameter)
        except Expected as absent:
            raise InputError(
                attempted,
                f"the SSM parameter {environment.topology_parameter} does not exist: it was never applied",
                f"inv apply --env={environment.short_name}",
            ) from absent
        return parse(answer["Parameter"]["Value"], environment.topology_parameter)


def parse(text: str, parameter: str) -> Topology:
    """Make a Topology of the parameter's JSON. Raises InputError naming every key that is missing or wrong.

    >>> parse("{}", "/indivillage/dev/topology")
    Traceback (most recent call last):
    deployer.errors.InputError: reading the topology: /indivillage/dev/topology: cluster: Field required; ...
    """
    try:
        document = _Document.model_validate_json(text)
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'document'}: {e['msg']}" for e in error.errors())
        raise InputError(
            "reading the topology", f"{parameter}: {wrong}", "inv apply --env=… writes it anew from this checkout"
        ) from error
    public, internal = document.load_balancers.public, document.load_balancers.internal
    return Topology(
        cluster=document.cluster,
        url=document.url,
        public_dns_name=public.dns_name,
        public_listener=public.listener,
        test_listener=public.test_listener,
        public_port=public.port,
        test_port=public.test_port,
        internal_listeners=_both(internal.listeners, parameter, "load_balancers.internal.listeners"),
        subnets=document.subnets,
        buckets=document.buckets,
        services={name: _service(name, service, parameter) for name, service in document.services.items()},
        reconciler=ReconcilerTopology(**document.reconciler.model_dump()) if document.reconciler else None,
    )


def _service(name: str, service: _Service, parameter: str) -> ServiceTopology:
    fields = {key: getattr(service, key) for key in _Service.model_fields if key != "colors"}
    colors = _both(service.colors, parameter, f"services.{name}.colors")
    return ServiceTopology(
        name=name,
        colors={color: ColorTopology(place.service, place.target_group) for color, place in colors.items()},
        **fields,
    )


def _both(colors: Mapping[Color, T], parameter: str, key: str) -> Mapping[Color, T]:
    for color in Color:
        if color not in colors:
            raise InputError("reading the topology", f"{parameter}: {key}.{color}: missing", "inv apply --env=…")
    return colors
