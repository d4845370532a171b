"""Between how many tasks autoscaling may move a color: the limits of Application Auto Scaling's scalable targets.

What AWS documents decides what is safe (ECS Developer Guide, "Automatically scale your Amazon ECS service"): the next
scale-in cuts a count above the maximum down to it, the next scale-out raises one below the minimum. So a color that
runs never has a maximum below what it runs, and one that is to be empty gets its limits last. Terraform makes the
targets with 0, 0 and suspended: whatever runs meanwhile, nothing scales before its limits were set here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployer.aws.faults import mapped

if TYPE_CHECKING:
    from collections.abc import Callable

    from deployer.aws.session import Session
    from deployer.model import Color, Topology

NAMESPACE = "ecs"
DIMENSION = "ecs:service:DesiredCount"


class Capacity:
    """Sets the limits of one environment; does nothing where Terraform made no scalable target (the local cloud)."""

    def __init__(self, session: Session, topology: Callable[[], Topology]) -> None:
        self._session = session
        self._topology = topology

    def allow(self, service: str, color: Color, fewest: int, most: int) -> None:
        """Let autoscaling run between `fewest` and `most` tasks. Suspended with `most` 0: an idle color stays idle.

        Raises Unreachable, NotAllowed.
        """
        target = self._topology().services[service].colors[color].scalable_target
        if target is None:
            return
        idle = most == 0
        with mapped(f"letting autoscaling run {fewest} to {most} tasks of {service} {color}"):
            self._session.application_autoscaling.register_scalable_target(
                ServiceNamespace=NAMESPACE,
                ScalableDimension=DIMENSION,
                ResourceId=target,
                MinCapacity=fewest,
                MaxCapacity=most,
                SuspendedState={
                    "DynamicScalingInSuspended": idle,
                    "DynamicScalingOutSuspended": idle,
                    "ScheduledScalingSuspended": idle,
                },
            )

    def around(self, service: str, color: Color, *counts: int) -> None:
        """Set the environment's limits, widened so that none of `counts`, present and wanted, lies outside of them."""
        scaling = self._session.environment.scaling
        self.allow(service, color, min(scaling.fewest, *counts), max(scaling.most, *counts))
