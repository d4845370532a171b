"""cloud: there is something to deploy to, or the run ends here."""

from __future__ import annotations

import pytest

from deployer.errors import Unreachable
from deployer.ports import World
from deployer.stages import platform
from tests import examples
from tests.fakes import Fakes


def test_it_says_what_there_is(fakes: Fakes, world: World) -> None:
    """The platform's own note, and its progress."""
    outcome = platform.run(examples.release(), world)

    assert ("the cloud is up", ["starting"]) == (outcome.note, fakes.said)


def test_a_dead_engine_is_out_of_reach(fakes: Fakes, world: World) -> None:
    """Exit code 30, in the platform's words."""
    fakes.platform.fail("ready", Unreachable("start the cloud", "no engine"))

    with pytest.raises(Unreachable, match="no engine"):
        platform.run(examples.release(), world)
