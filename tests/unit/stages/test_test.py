"""test: the quick sessions, and nothing else."""

from __future__ import annotations

import pytest

from deployer.errors import GateFailed
from deployer.ports import World
from deployer.stages import test
from tests import examples
from tests.fakes import Fakes

SESSIONS = ("unit", "application")


def test_it_runs_its_sessions(fakes: Fakes, world: World) -> None:
    """Before anything is changed, with a log of its own; the summary is the note."""
    outcome = test.run(examples.release(), world)

    assert [SESSIONS] == fakes.gates.called("run")
    assert f"{', '.join(SESSIONS)} passed" == outcome.note
    assert ["log in test.log"] == fakes.said


def test_a_red_session_is_a_failed_gate(fakes: Fakes, world: World) -> None:
    """The gate's own words reach the user."""
    red = GateFailed("check the project", "two findings")
    fakes.gates.fail("run", red)

    with pytest.raises(GateFailed) as caught:
        test.run(examples.release(), world)

    assert red is caught.value


def test_it_waits_for_nobody() -> None:
    """It starts at once, beside the others."""
    assert () == test.STAGE.needs
