"""deploy: the strategy that terraform.tfvars names, there and back."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deployer.errors import InputError
from deployer.model import SERVICES, Color, Image
from deployer.ports import World
from deployer.stages import deploy
from tests import examples
from tests.fakes import Fakes

RELEASE = replace(
    examples.release(), images={name: Image(name, f"indivillage/{name}", f"sha256:{name}") for name in SERVICES}
)


def test_rolling_there_and_back(fakes: Fakes, world: World) -> None:
    """The outcome of run is what undo needs."""
    outcome = deploy.run(RELEASE, world)
    there = [fakes.compute.live(name, Color.BLUE).release for name in SERVICES]
    deploy.undo(RELEASE, outcome, world)

    assert [RELEASE.id, RELEASE.id] == there
    assert [0, 0] == [fakes.compute.live(name, Color.BLUE).running for name in SERVICES]


def test_a_strategy_that_is_not_there_is_bad_input(fakes: Fakes, world: World) -> None:
    """Exit code 2 with the key's name, before anything moves."""
    elsewhere = replace(world, environment=replace(examples.ENVIRONMENT, strategy="no-such-strategy"))  # type: ignore[arg-type]

    with pytest.raises(InputError, match=r"deployment\.strategy = 'no-such-strategy'"):
        deploy.run(RELEASE, elsewhere)

    assert [] == fakes.compute.calls
