"""DescribeTargetHealth with the health that the data plane found; MiniStack calls every target healthy at once."""

import asyncio
from typing import Any
from xml.sax.saxutils import escape

from localcloud.extension.dataplane import DataPlane
from localcloud.extension.elb import Target
from localcloud.extension.emulator import replace
from localcloud.extension.health import DRAINING, TargetHealth


def install(alb: Any, plane: DataPlane) -> None:
    """Answer DescribeTargetHealth from PLANE, and let each write return only when HAProxy does what it says.

    What ECS registers is looked at at once.
    """
    missing = alb._describe_target_health

    def describe(params: Any) -> Any:
        arn = alb._p(params, "TargetGroupArn")
        if arn not in alb._tgs:
            return missing(params)
        port = int(alb._tgs[arn].get("Port", 80))
        registered = [Target(str(one["Id"]), int(one.get("Port", port))) for one in alb._targets.get(arn, ())]
        found = [(target, plane.health_of(arn, target)) for target in registered]
        found += [(target, DRAINING) for target in plane.draining(arn) if target not in registered]
        asked = {one["Id"] for one in alb._parse_targets_param(params)}
        members = "".join(member_xml(target, health) for target, health in found if not asked or target.host in asked)
        return alb._xml(200, "DescribeTargetHealth", f"<TargetHealthDescriptions>{members}</TargetHealthDescriptions>")

    replace(alb, "_describe_target_health", describe)
    handle = alb.handle_request

    async def handle_request(method: str, path: str, headers: Any, body: Any, query: Any) -> Any:
        answer = await handle(method, path, headers, body, query)
        text = body.decode(errors="replace") if isinstance(body, bytes) else str(body)
        if answer[0] < 400 and "Action=Describe" not in text:
            await asyncio.to_thread(plane.settle)
        return answer

    replace(alb, "handle_request", handle_request)
    register = alb.set_targets_for_group

    def set_targets_for_group(arn: str, targets: Any, previous: Any = ()) -> Any:
        answer = register(arn, targets, previous)
        if {address for address, _ in targets} != set(previous):
            plane.wake()
        return answer

    replace(alb, "set_targets_for_group", set_targets_for_group)


def member_xml(target: Target, health: TargetHealth) -> str:
    """One target as AWS prints it; a healthy one has no reason."""
    why = ""
    if health.reason:
        why = f"<Reason>{health.reason}</Reason><Description>{escape(health.description)}</Description>"
    return (
        f"<member><Target><Id>{escape(target.host)}</Id><Port>{target.port}</Port></Target>"
        f"<HealthCheckPort>{target.port}</HealthCheckPort>"
        f"<TargetHealth><State>{health.state}</State>{why}</TargetHealth></member>"
    )
