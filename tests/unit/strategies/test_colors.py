"""Which color gets the visitors back."""

from __future__ import annotations

import pytest

from deployer.errors import Unreachable
from deployer.model import Color
from deployer.ports import World
from deployer.strategies.colors import give_back
from tests.fakes import Fakes

BLUE, GREEN = Color.BLUE, Color.GREEN
BEFORE = {BLUE: 100, GREEN: 0}


def test_what_was_not_moved_is_left_alone(fakes: Fakes, world: World) -> None:
    """No call that could fail where nothing has to be put back."""
    give_back(BEFORE, world, moved=False)

    assert [] == fakes.traffic.called("set_weights")


def test_what_somebody_else_moved_is_put_back(fakes: Fakes, world: World) -> None:
    """The color that loses its tasks next must have no visitor."""
    fakes.traffic.split = {BLUE: 70, GREEN: 30}
    give_back(BEFORE, world, moved=False)

    assert BEFORE == fakes.traffic.split


@pytest.mark.parametrize("moved", [True, False])
def test_what_cannot_be_read_is_set_all_the_same(fakes: Fakes, world: World, moved: bool) -> None:
    """A throttled Describe keeps no visitor where he is."""
    fakes.traffic.split = {BLUE: 90, GREEN: 10}
    fakes.traffic.fail("weights", Unreachable("read", "throttled"), times=9)
    give_back(BEFORE, world, moved=moved)

    assert (BEFORE, not moved) == (fakes.traffic.split, bool(fakes.traffic.called("weights")))


def test_a_listener_that_led_nowhere_is_not_set_back_to_that(fakes: Fakes, world: World) -> None:
    """Weights that are all zero are no split."""
    give_back({BLUE: 0, GREEN: 0}, world, moved=True)

    assert [] == fakes.traffic.called("set_weights")
