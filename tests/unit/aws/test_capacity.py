"""What is asked of Application Auto Scaling, and when: no maximum below what runs, and 0/0 only once nothing does."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from deployer.aws.capacity import Capacity
from deployer.aws.ecs import Ecs
from deployer.model import Color, ColorTopology, Topology
from tests.fakes import FakeClock
from tests.unit.aws import values
from tests.unit.aws.test_ecs import OTHER, OURS, Service

TARGET = "service/indivillage-dev/indivillage-dev-frontend-blue"


class Scaled(Service):
    """A service with a scalable target; `order` has the calls of ECS and of Application Auto Scaling as they came."""

    def __init__(self, desired: int = 1, target: str | None = TARGET) -> None:
        super().__init__(OTHER)
        self.application_autoscaling = self
        self.order: list[object] = []
        self.limits: list[Any] = []
        self.desired, self._target = desired, target

    def describe_services(self, **request: object) -> Any:
        """Stand for ecs.describe_services: as many tasks as wanted."""
        answer = super().describe_services(**request)
        answer["services"][0]["desiredCount"] = self.desired
        return answer

    def register_scalable_target(self, **request: Any) -> Any:
        """Stand for the one call of Application Auto Scaling."""
        self.limits.append(request)
        self.order.append((request["MinCapacity"], request["MaxCapacity"]))
        return {}

    def update_service(self, **request: Any) -> Any:
        """Stand for ecs.update_service."""
        self.order.append(f"desired {request['desiredCount']}")
        if "taskDefinition" not in request:
            return {}
        return super().update_service(**request)

    def topology(self) -> Topology:
        """The topology with this target in blue."""
        known = values.topology()
        place = known.services["frontend"]
        colors = {**place.colors, Color.BLUE: ColorTopology("indivillage-dev-frontend-blue", "arn:tg", self._target)}
        return replace(known, services={**known.services, "frontend": replace(place, colors=colors)})

    def compute(self) -> Ecs:
        """The adapter above this."""
        service: Any = self
        return Ecs(service, self.topology, service, FakeClock())


@pytest.mark.parametrize(
    ("desired", "before", "after"),
    [
        (0, (0, 4), (1, 4)),  # an idle color: nothing of what it ran before is started
        (1, (1, 4), (1, 4)),
        (9, (1, 9), (1, 4)),  # what visitors use is not cut down before the roll-out has said how many there are
    ],
)
def test_the_limits_never_shut_out_what_runs_or_what_is_wanted(
    desired: int, before: tuple[int, int], after: tuple[int, int]
) -> None:
    """Set before the count, so that no scale-in finds a maximum below it; and after it, with the fewest that stay."""
    service = Scaled(desired)
    service.compute().roll_out("frontend", Color.BLUE, OURS, 1, 60, list[str]().append)

    assert [before, "desired 1", after] == service.order


def test_a_color_that_runs_scales() -> None:
    """Terraform made its target suspended."""
    service = Scaled()
    service.compute().keep("frontend", Color.BLUE, 3)

    assert [
        {
            "ServiceNamespace": "ecs",
            "ScalableDimension": "ecs:service:DesiredCount",
            "ResourceId": TARGET,
            "MinCapacity": 3,
            "MaxCapacity": 4,
            "SuspendedState": dict.fromkeys(
                ("DynamicScalingInSuspended", "DynamicScalingOutSuspended", "ScheduledScalingSuspended"), False
            ),
        }
    ] == service.limits


def test_more_than_the_most_may_be_kept() -> None:
    """Somebody had scaled by hand: a minimum above the maximum would be refused by AWS."""
    service = Scaled()
    service.compute().keep("frontend", Color.BLUE, 7)

    assert [(7, 7)] == service.order


def test_a_color_that_goes_idle_gets_its_limits_last() -> None:
    """A run that is cut off between leaves a color that either runs and may, or does not run."""
    service = Scaled(2)
    service.compute().scale("frontend", Color.BLUE, 0)

    assert ["desired 0", (0, 0)] == service.order
    assert {True} == set(service.limits[0]["SuspendedState"].values())


def test_a_color_that_is_scaled_by_hand_may_run_that_many() -> None:
    """The same order as a roll-out."""
    service = Scaled(2)
    service.compute().scale("frontend", Color.BLUE, 6)

    assert [(0, 6), "desired 6", (2, 6)] == service.order


def test_without_a_scalable_target_nothing_is_asked() -> None:
    """The local cloud has no Application Auto Scaling; a session that is not asked makes no client."""
    service = Scaled(target=None)
    nobody: Any = service
    Capacity(nobody, service.topology).allow("frontend", Color.BLUE, 0, 0)
    service.compute().roll_out("frontend", Color.BLUE, OURS, 1, 60, list[str]().append)

    assert ["desired 1"] == service.order
