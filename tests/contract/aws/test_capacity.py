"""Application Auto Scaling's limits, held against moto alone: the local cloud has no such service."""

from __future__ import annotations

from typing import Any

import pytest

from deployer.aws.capacity import DIMENSION, NAMESPACE, Capacity
from deployer.model import Color
from tests.contract.aws.stand_in import StandIn


class Bench:
    """Both colors of the frontend with scalable targets as Terraform makes them: 0, 0, suspended."""

    def __init__(self, made: StandIn) -> None:
        self.session = made.session
        self.client: Any = made.session.application_autoscaling
        for color, place in made.document["services"]["frontend"]["colors"].items():
            place["scalable_target"] = f"service/{made.prefix}/{made.prefix}-frontend-{color}"
        made.document["services"]["backend"]["colors"]["blue"].pop("scalable_target", None)
        self.topology = made.topology
        for color in Color:
            self.client.register_scalable_target(
                ServiceNamespace=NAMESPACE,
                ScalableDimension=DIMENSION,
                ResourceId=self.topology.services["frontend"].colors[color].scalable_target,
                MinCapacity=0,
                MaxCapacity=0,
                SuspendedState={
                    "DynamicScalingInSuspended": True,
                    "DynamicScalingOutSuspended": True,
                    "ScheduledScalingSuspended": True,
                },
            )
        self.capacity = Capacity(self.session, lambda: self.topology)

    def seen(self) -> dict[Color, tuple[int, int, bool]]:
        """Fewest, most, and whether anything is suspended, by color; what AWS itself says."""
        found = self.client.describe_scalable_targets(ServiceNamespace=NAMESPACE)["ScalableTargets"]
        by_name = {target["ResourceId"]: target for target in found}
        frontend = {
            color: by_name[place.scalable_target or ""]
            for color, place in self.topology.services["frontend"].colors.items()
        }
        return {
            color: (target["MinCapacity"], target["MaxCapacity"], any(target["SuspendedState"].values()))
            for color, target in frontend.items()
        }


@pytest.fixture
def bench(moto_applied: StandIn) -> Bench:
    """An environment that scales, in moto."""
    return Bench(moto_applied)


def test_limits_are_set_of_one_color_and_absolute(bench: Bench) -> None:
    """Again is the same again; the other color stays as it was."""
    for _ in range(2):
        bench.capacity.allow("frontend", Color.GREEN, 2, 4)

    assert {Color.BLUE: (0, 0, True), Color.GREEN: (2, 4, False)} == bench.seen()


def test_an_idle_color_is_shut(bench: Bench) -> None:
    """0, 0 and suspended, as Terraform made it."""
    bench.capacity.allow("frontend", Color.BLUE, 2, 4)
    bench.capacity.allow("frontend", Color.BLUE, 0, 0)

    assert (0, 0, True) == bench.seen()[Color.BLUE]


def test_no_target_is_made_where_terraform_made_none(bench: Bench) -> None:
    """The call would make one: it is not sent."""
    before = dict(bench.session.calls)
    bench.capacity.allow("backend", Color.BLUE, 2, 4)

    assert before == bench.session.calls
