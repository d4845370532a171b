"""Weights of the public listener and the health of targets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from deployer.aws.elbv2 import Elbv2
from deployer.errors import InputError, StateUncertain
from deployer.model import Color

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.contract.aws.stand_in import StandIn


@pytest.fixture
def traffic(applied: StandIn) -> Elbv2:
    """Return the traffic of an environment as Terraform leaves it: all to blue."""
    topology = applied.topology
    return Elbv2(applied.session, lambda: topology)


@pytest.mark.parametrize("blue", [100, 90, 50, 1, 0])
def test_weights_are_set_absolutely_and_read_back(traffic: Elbv2, blue: int) -> None:
    """What was set is what the load balancer says, whatever was set before."""
    wanted = {Color.BLUE: blue, Color.GREEN: 100 - blue}
    traffic.set_weights({Color.BLUE: 100 - blue, Color.GREEN: blue})
    traffic.set_weights(wanted)
    assert wanted == traffic.weights()


def test_a_listener_that_forwards_to_one_group_gives_it_everything(applied: StandIn) -> None:
    """Terraform's first listener names a single target group, without weights."""
    topology = applied.topology
    applied.session.elbv2.modify_listener(
        ListenerArn=topology.public_listener,
        DefaultActions=[
            {"Type": "forward", "TargetGroupArn": topology.services["frontend"].colors[Color.GREEN].target_group}
        ],
    )
    assert {Color.BLUE: 0, Color.GREEN: 100} == Elbv2(applied.session, lambda: topology).weights()


def test_a_listener_that_forwards_nowhere_has_no_weights(applied: StandIn) -> None:
    """A maintenance page is neither color."""
    topology = applied.topology
    applied.session.elbv2.modify_listener(
        ListenerArn=topology.public_listener,
        DefaultActions=[{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "503"}}],
    )
    assert {Color.BLUE: 0, Color.GREEN: 0} == Elbv2(applied.session, lambda: topology).weights()


@pytest.mark.parametrize("weights", [{Color.BLUE: 50}, {Color.BLUE: 110, Color.GREEN: -10}, {}])
def test_weights_that_are_no_percentages_are_refused(traffic: Elbv2, weights: Mapping[Color, int]) -> None:
    """Nothing is changed then."""
    before = traffic.weights()
    with pytest.raises(InputError):
        traffic.set_weights(weights)
    assert before == traffic.weights()


def test_a_read_back_that_differs_is_uncertain(traffic: Elbv2, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody else changed it in between: nobody knows where visitors go."""
    monkeypatch.setattr(Elbv2, "_read", lambda *_: {Color.BLUE: 100, Color.GREEN: 0})
    with pytest.raises(StateUncertain) as caught:
        traffic.set_weights({Color.BLUE: 0, Color.GREEN: 100})
    assert "blue 100%" in caught.value.seen


def test_a_color_without_tasks_has_no_targets(traffic: Elbv2) -> None:
    """The idle color's target group is empty."""
    assert traffic.targets("backend", Color.GREEN) == ()


@pytest.mark.parametrize("color", list(Color))
def test_the_test_listener_leads_to_one_color_and_moves_no_visitor(traffic: Elbv2, color: Color) -> None:
    """It is another listener than the public one."""
    before = traffic.weights()
    traffic.point_test(color.other)
    traffic.point_test(color)
    assert (color, before) == (traffic.test_color(), traffic.weights())
