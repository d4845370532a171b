"""verify: what the release leans on exists and agrees, or nothing is touched."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deployer.errors import GateFailed
from deployer.model import Image, Release
from deployer.ports import World
from deployer.stages import verify
from tests import examples
from tests.fakes import Fakes

IMAGE = Image("backend", "indivillage/backend", "sha256:abc")


def failure(release: Release, world: World) -> GateFailed:
    """What verify says no with."""
    with pytest.raises(GateFailed) as caught:
        verify.run(release, world)
    return caught.value


def test_all_is_well(fakes: Fakes, world: World) -> None:
    """Nothing is missing; the note says how many images were looked for."""
    outcome = verify.run(replace(examples.release(), images={"backend": IMAGE}), world)

    assert "roles, 1 images, secrets, logs, targets and ports agree" == outcome.note
    assert [(examples.release().id,)] == fakes.preflight.called("problems")


def test_every_problem_is_told_at_once(fakes: Fakes, world: World) -> None:
    """Nobody mends one thing only to hear of the next."""
    fakes.preflight.found = ("role a is missing", "secret b is missing")

    error = failure(replace(examples.release(), images={"backend": IMAGE}), world)

    assert ("role a is missing", "secret b is missing") == error.details
    assert "2 problems: role a is missing" == error.seen


def test_one_problem_is_one(fakes: Fakes, world: World) -> None:
    """Grammar is part of the product."""
    fakes.preflight.found = ("role a is missing",)

    assert "1 problem: role a is missing" == failure(examples.release(), world).seen
