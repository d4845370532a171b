"""scan: the quick sessions, and nothing else."""

from __future__ import annotations

import pytest

from deployer.errors import GateFailed
from deployer.model import Status
from deployer.ports import World
from deployer.stages import scan
from tests import examples
from tests.fakes import Fakes

SESSIONS = ("scan",)


def test_it_runs_its_sessions(fakes: Fakes, world: World) -> None:
    """Before anything is changed, with a log of its own; the summary is the note."""
    outcome = scan.run(examples.release(), world)

    assert [SESSIONS] == fakes.gates.called("run")
    assert f"{', '.join(SESSIONS)} passed" == outcome.note
    assert ["log in scan.log"] == fakes.said


def test_what_passed_on_the_same_inputs_is_cached(fakes: Fakes, world: World) -> None:
    """Its note says since when."""
    fakes.gates.unchanged.update(SESSIONS)

    outcome = scan.run(examples.release(), world)

    assert (Status.CACHED, "passed 2026-03-04 05:06:07Z, 12 min ago") == (outcome.status, outcome.note)


def test_one_changed_session_makes_it_run(fakes: Fakes, world: World) -> None:
    """Then it is no longer what it was."""
    fakes.gates.unchanged.update(SESSIONS[1:])

    assert Status.OK is scan.run(examples.release(), world).status


def test_a_red_session_is_a_failed_gate(fakes: Fakes, world: World) -> None:
    """The gate's own words reach the user."""
    red = GateFailed("check the project", "two findings")
    fakes.gates.fail("run", red)

    with pytest.raises(GateFailed) as caught:
        scan.run(examples.release(), world)

    assert red is caught.value


def test_it_waits_for_nobody() -> None:
    """It starts at once, beside the others."""
    assert () == scan.STAGE.needs
