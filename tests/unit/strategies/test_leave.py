"""A color goes idle in an order that cuts nobody off."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from deployer.model import Color, Target
from deployer.strategies.leave import scale_down
from tests import examples
from tests.fakes import FakeClock, Fakes

GREEN = Color.GREEN


class Draining:
    """The frontend's targets drain for `seconds` after it was scaled down, as on AWS."""

    def __init__(self, fakes: Fakes, seconds: float) -> None:
        self._clock, self._seconds, self._compute = fakes.clock, seconds, fakes.compute
        self._since: float | None = None
        self.backend_while_draining: set[int] = set()
        fakes.traffic.targets = self.targets  # type: ignore[method-assign]

    def targets(self, service: str, color: Color) -> tuple[Target, ...]:
        """One target until the time is over; remembers what the backend ran meanwhile."""
        if self._since is None:
            self._since = self._clock.monotonic()
        if self._clock.monotonic() - self._since >= self._seconds:
            return ()
        self.backend_while_draining.add(self._compute.live("backend", color).desired)
        return (Target("10.0.0.1:8080", "draining"),)


@pytest.fixture
def fakes() -> Fakes:
    """A release runs in green."""
    fakes = Fakes(environment=replace(examples.ENVIRONMENT, steady_timeout_s=300))
    fakes.compute.serve(replace(examples.release(), color=GREEN), GREEN, count=2)
    return fakes


def test_the_backend_stays_until_the_frontend_has_drained(fakes: Fakes, tmp_path: Path) -> None:
    """A form that is still on its way through the frontend finds the backend of its color."""
    draining = Draining(fakes, 20)

    assert ("frontend", "backend") == scale_down(GREEN, fakes.world(tmp_path))

    assert {2} == draining.backend_while_draining
    assert [("frontend", GREEN, 0), ("backend", GREEN, 0)] == fakes.compute.called("scale")
    assert ["frontend green: 1 targets let requests under way finish"] == fakes.said


def test_a_target_that_never_leaves_is_not_waited_for_for_ever(fakes: Fakes, tmp_path: Path) -> None:
    """It is said, and the backend goes all the same."""
    Draining(fakes, 10_000)

    scale_down(GREEN, fakes.world(tmp_path))

    assert ("backend", GREEN, 0) == fakes.compute.called("scale")[-1]
    assert "not waited for any longer" in fakes.said[-1]
    assert 330 <= fakes.clock.monotonic() - FakeClock().monotonic() <= 332


def test_what_is_idle_already_is_left_alone(fakes: Fakes, tmp_path: Path) -> None:
    """Repeatable: a run that was cut off between the two is finished."""
    fakes.compute.scale("frontend", GREEN, 0)

    assert ("backend",) == scale_down(GREEN, fakes.world(tmp_path))
    assert () == scale_down(GREEN, fakes.world(tmp_path))
