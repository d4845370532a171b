"""The gates of production, with its own steps and bake times, over CloudWatch at the pace it has on AWS (simulated)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from deployer import config
from deployer.aws.cloudwatch import CloudWatch
from deployer.errors import GateFailed
from deployer.model import Color, Environment
from deployer.ports import World
from deployer.strategies import gates
from deployer.strategies.gate_watch import Watch
from tests import examples
from tests.contract.aws.cloudwatch_pace import Site
from tests.fakes import Fakes
from tests.unit.aws import values

BLUE, GREEN = Color.BLUE, Color.GREEN
ROOT = Path(__file__).resolve().parents[3]
RELEASE = replace(examples.release(), color=GREEN)
ALARM = "indivillage-prod-green-errors"
BUSY = 20.0
QUIET = 0.05


@pytest.fixture(scope="module")
def production() -> Environment:
    """As its tfvars describe it, on AWS."""
    return config.load(ROOT, "prod", "aws")


class Shift:
    """A release of production to `site`, step by step; `took_s` is how long each step has taken."""

    def __init__(self, production: Environment, site: Site, logs: Path) -> None:
        self._fakes = Fakes(environment=production)
        self._site = site
        self._topology = replace(values.topology(), alarms=(ALARM,))
        self._groups = {
            place.target_group.rpartition(":")[2]: color
            for color, place in self._topology.services["frontend"].colors.items()
        }
        session: Any = SimpleNamespace(
            environment=production, cloudwatch=site.client(self._now, self._groups, self._topology.alarms)
        )
        probe: Any = SimpleNamespace(sample=self._sample)
        world = self._fakes.world(logs)
        self.world: World = replace(world, metrics=CloudWatch(session, lambda: self._topology), probe=probe)
        self.took_s: list[float] = []

    def run(self) -> None:
        """Give green one step after the other. Raises GateFailed."""
        watch = Watch(RELEASE, self.world, alone=False)
        for step in self.world.environment.steps:
            self._weights = {GREEN: step.weight_percent, BLUE: 100 - step.weight_percent}
            began = self.world.clock.monotonic()
            watch.open(self._weights, step.bake_s)
            try:
                while not watch.passed():
                    self.world.clock.wait(1.0)
                    self._site.pass_second(self._now(), self._weights)
            finally:
                self.took_s.append(self.world.clock.monotonic() - began)

    def _now(self) -> float:
        return self.world.lease.now().timestamp()

    def _sample(self, count: int, within_s: float, *, idle: bool) -> int:
        for _ in range(count):
            self._site.ask(self._now(), GREEN) if idle else self._site.visit(self._now(), self._weights)
        return count


Begin = Callable[[Site], Shift]


@pytest.fixture
def shift(production: Environment, tmp_path: Path) -> Begin:
    """Begin a release to a site."""
    return lambda site: Shift(production, site, tmp_path)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("late_s", [60.0, 120.0, 180.0])
@pytest.mark.parametrize("rate", [BUSY, QUIET])
def test_a_good_release_gets_through(shift: Begin, rate: float, late_s: float, seed: int) -> None:
    """Each step takes its bake time, and at most as long again as a datum takes to appear and be read."""
    release = shift(Site(rate, seed, late_s))
    release.run()

    bakes = [step.bake_s for step in release.world.environment.steps]
    assert ["pass"] * len(bakes) == [each["verdict"] for each in release.world.decisions]
    for took_s, bake_s in zip(release.took_s, bakes, strict=True):
        assert bake_s <= took_s <= bake_s + late_s + 300


@pytest.mark.parametrize("late_s", [60.0, 120.0])
def test_probes_that_may_not_be_seen_yet_are_not_sent_again(shift: Begin, late_s: float) -> None:
    """A quiet site's new color gets as many as it takes to see the error rate, not as many as fit into the wait."""
    release = shift(Site(QUIET, 1, late_s))
    release.run()

    enough = gates.needed(release.world.environment.limits.error_rate_percent / 100, 0)
    assert [enough] * 3 == [each["probes"]["new"] for each in release.world.decisions]


def test_probes_that_never_appear_are_sent_again(shift: Begin) -> None:
    """Early enough to be seen before the step's deadline."""
    enough = gates.needed(0.01, 0)
    release = shift(Site(0.0, 1, lost=enough))
    release.run()

    assert [True, False, False] == [each["probes"]["new"] > enough for each in release.world.decisions]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("rate", [BUSY, QUIET])
def test_a_release_that_fails_now_and_then_does_not(shift: Begin, rate: float, seed: int) -> None:
    """5xx at 5%: it never gets more than the first step's share, and with visitors that step is not even over."""
    release = shift(Site(rate, seed, broken={GREEN: 0.05}))
    with pytest.raises(GateFailed, match="errors"):
        release.run()

    assert 1 == len(release.took_s)
    assert 10 == release.world.decisions[-1]["weight_percent"]
    if rate == BUSY:
        assert release.took_s[0] < release.world.environment.steps[0].bake_s + 60


@pytest.mark.parametrize("seed", range(5))
def test_a_release_that_is_slow_does_not(shift: Begin, seed: int) -> None:
    """Three times as slow as the color that it is to replace, though below the alarm's limit."""
    release = shift(Site(BUSY, seed, slow_s={BLUE: 0.25, GREEN: 0.75}))
    with pytest.raises(GateFailed, match="slower than that"):
        release.run()

    assert 1 == len(release.took_s)


@pytest.mark.parametrize("late_s", [600.0, 1e9])
def test_what_appears_too_late_or_never_ends_in_the_deadline(shift: Begin, late_s: float) -> None:
    """Stale data are no reason to advance: it is put back after the bake time and ten periods."""
    release = shift(Site(BUSY, 1, late_s))
    with pytest.raises(GateFailed, match="no verdict 600 s after the bake time"):
        release.run()

    assert 1 == len(release.took_s)
