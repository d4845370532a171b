"""Reads the times at which load balancers let go of requests and connections, and sets them beside the containers'."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployer.aws.elbv2 import PUBLIC_SERVICE
from deployer.aws.faults import Expected, mapped
from deployer.draining import STOP_TIMEOUT_S, VARIABLES, Times, containers, wrong_orders
from deployer.model import Color

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mypy_boto3_elbv2.type_defs import LoadBalancerAttributeTypeDef, TargetGroupAttributeTypeDef

    from deployer.aws.session import Session
    from deployer.model import Service, ServiceTopology, Topology

ABSENT = frozenset({"ListenerNotFound", "LoadBalancerNotFound", "TargetGroupNotFound"})


def drain_problems(session: Session, place: ServiceTopology, wanted: Service, topology: Topology) -> Iterator[str]:
    """Yield a line for each wrong order; what does not exist at all is told by the checks beside this one."""
    environment = session.environment
    try:
        request_s, keep_alive_s, grace_s = containers({**place.environment, **wanted.environment})
    except ValueError as error:
        names = ", ".join(VARIABLES)
        yield f"{place.name}: {names} have to be whole seconds, mend {environment.tfvars}: {error}"
        return
    internal = next(iter(topology.internal_listeners.values()))
    try:
        idle_s = _idle_timeout_s(session, topology.public_listener if place.name == PUBLIC_SERVICE else internal)
        delays_s = {_delay_s(session, place.colors[color].target_group) for color in Color}
    except Expected:
        return
    app = (place.name, request_s, keep_alive_s, grace_s, STOP_TIMEOUT_S)
    for delay_s in sorted(delays_s):
        for line in wrong_orders(Times(*app, idle_s, delay_s, environment.steady_timeout_s)):
            yield f"{line}; mend infrastructure/terraform/modules/compute or {environment.tfvars}"


def _idle_timeout_s(session: Session, listener: str) -> int:
    """How long the load balancer of this listener keeps a silent connection. Raises Expected."""
    with mapped("reading the load balancer's idle timeout", expected=ABSENT):
        found = session.elbv2.describe_listeners(ListenerArns=[listener])["Listeners"]
        arn = found[0].get("LoadBalancerArn", "") if found else listener
        attributes = session.elbv2.describe_load_balancer_attributes(LoadBalancerArn=arn)["Attributes"]
    return _seconds(attributes, "idle_timeout.timeout_seconds", 60)


def _delay_s(session: Session, group: str) -> int:
    """How long requests under way may go on after their target was deregistered. Raises Expected."""
    with mapped("reading the deregistration delay", expected=ABSENT):
        attributes = session.elbv2.describe_target_group_attributes(TargetGroupArn=group)["Attributes"]
    return _seconds(attributes, "deregistration_delay.timeout_seconds", 300)


def _seconds(
    attributes: Iterable[LoadBalancerAttributeTypeDef | TargetGroupAttributeTypeDef], key: str, default: int
) -> int:
    """Read one attribute; AWS names all of them, and its default stands for one that is left out."""
    return next((int(one.get("Value", default)) for one in attributes if one.get("Key") == key), default)
