"""Reads what Terraform made from the SSM parameter it wrote, and checks it at this edge."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from deployer import memory
from deployer.aws.faults import Expected, mapped
from deployer.errors import InputError
from deployer.model import Color, ColorTopology, ReconcilerTopology, ServiceTopology, Topology

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deployer.aws.session import Session

T = TypeVar("T")
MEMORY = Path(".cache/topology")
SCHEMA = Path(__file__).with_name("topology_document.py")


class StoredTopology:
    """The environment's topology, kept from its first reading until `forget`. `root` as in `parse`."""

    def __init__(self, session: Session, root: Path | None = None) -> None:
        self._session = session
        self._root = root
        self._lock = threading.Lock()
        self._known: Topology | None = None

    def __call__(self) -> Topology:
        """Return the topology as last read. Raises InputError when the environment was never applied."""
        with self._lock:
            if self._known is None:
                self._known = self._read()
            return self._known

    def forget(self) -> None:
        """Read it anew when it is asked for next: Terraform has written another one."""
        with self._lock:
            self._known = None

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
        return parse(answer["Parameter"]["Value"], environment.topology_parameter, self._root)


def parse(text: str, parameter: str, root: Path | None = None) -> Topology:
    """Make a Topology of the parameter's JSON. Raises InputError naming every key that is missing or wrong.

    A document that has passed is remembered in `root`/.cache, if a checkout is given: the schema is slow to load.

    >>> parse("{}", "/indivillage/dev/topology")
    Traceback (most recent call last):
    deployer.errors.InputError: reading the topology: /indivillage/dev/topology: cluster: Field required; ...
    """
    place = memory.place_of(root / MEMORY, text, SCHEMA) if root else None
    document = memory.recall(place) if place else None
    if document is None:
        from deployer.aws.topology_document import check

        document = check(text, parameter)
        if place:
            memory.note(place, document)
    public, internal = document["load_balancers"]["public"], document["load_balancers"]["internal"]
    return Topology(
        cluster=document["cluster"],
        url=document["url"],
        public_dns_name=public["dns_name"],
        public_listener=public["listener"],
        test_listener=public["test_listener"],
        public_port=public["port"],
        test_port=public["test_port"],
        internal_listeners=_both(internal["listeners"], parameter, "load_balancers.internal.listeners"),
        subnets=tuple(document["subnets"]),
        buckets=document["buckets"],
        services={name: _service(name, service, parameter) for name, service in document["services"].items()},
        reconciler=ReconcilerTopology(**document["reconciler"]) if document["reconciler"] else None,
        alarms=tuple(document["alarms"]),
        test_host=document["test_host"],
    )


def _service(name: str, service: dict[str, Any], parameter: str) -> ServiceTopology:
    places = _both(service["colors"], parameter, f"services.{name}.colors")
    by_color = {Color(color): variables for color, variables in service["color_environment"].items()}
    return ServiceTopology(
        **{
            **service,
            "name": name,
            "security_groups": tuple(service["security_groups"]),
            "color_environment": by_color,
            "colors": {color: ColorTopology(**place) for color, place in places.items()},
        }
    )


def _both(colors: Mapping[str, T], parameter: str, key: str) -> Mapping[Color, T]:
    for color in Color:
        if color not in colors:
            raise InputError("reading the topology", f"{parameter}: {key}.{color}: missing", "inv apply --env=…")
    return {Color(color): value for color, value in colors.items()}
