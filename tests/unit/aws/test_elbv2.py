"""A listener's actions as percentages."""

from __future__ import annotations

from typing import Any

import pytest

from deployer.aws.elbv2 import split
from deployer.model import Color

GROUPS = {Color.BLUE: "arn:blue", Color.GREEN: "arn:green"}


def forward(**weights: int) -> Any:
    """Return a forward action with these weights."""
    groups = [{"TargetGroupArn": f"arn:{color}", "Weight": weight} for color, weight in weights.items()]
    return [{"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}]


@pytest.mark.parametrize(
    ("actions", "blue", "green"),
    [
        pytest.param(forward(blue=75, green=25), 75, 25, id="percent"),
        pytest.param(forward(blue=1, green=1), 50, 50, id="relative"),
        pytest.param(forward(blue=1, green=2), 33, 67, id="rounded, and 100 together"),
        pytest.param(forward(blue=1), 100, 0, id="one group of weight 1"),
        pytest.param(forward(blue=0, green=0), 0, 0, id="no weight at all"),
        pytest.param(forward(other=100), 0, 0, id="another group"),
        pytest.param([{"Type": "forward", "TargetGroupArn": "arn:green"}], 0, 100, id="without a ForwardConfig"),
        pytest.param([{"Type": "fixed-response"}], 0, 0, id="no forward"),
        pytest.param([], 0, 0, id="nothing"),
    ],
)
def test_split(actions: Any, blue: int, green: int) -> None:
    """ELBv2's weights are relative; ours are percentages that add up."""
    assert {Color.BLUE: blue, Color.GREEN: green} == split(actions, GROUPS)
