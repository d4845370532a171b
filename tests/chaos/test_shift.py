"""Production moves to a release and back under 200 requests a second, and nobody notices."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.shift import shift_and_back
from tests.chaos.site import Site


def test_shift_and_rollback_harm_nobody(production: Site, seed: int, folder: Path, rate: float) -> None:
    """No request fails, each form is stored exactly once, and the traffic follows the weights of each step."""
    findings = shift_and_back(production, seed, folder, rate)

    print("\n".join(findings.told()))  # noqa: T201 - the figures are the answer
    assert [] == findings.mistakes


@pytest.fixture
def careless(production: Site) -> Iterator[Site]:
    """Production without draining: targets cut off at once, tasks killed after a second, both services together."""
    clone = production.checkout
    head = clone.git("rev-parse", "HEAD")
    clone.replace("infrastructure/terraform/modules/compute/load_balancers.tf", "_delay = 60", "_delay = 0")
    clone.replace("deployer/draining.py", "STOP_TIMEOUT_S = 30", "STOP_TIMEOUT_S = 1")
    clone.replace("deployer/draining.py", "if less_s >= more_s:", "if less_s < 0:")
    clone.replace(
        "deployer/strategies/leave.py", "while left := world.traffic.targets(service, color)", "while left := ()"
    )
    clone.commit("No draining")
    production.inv("deploy")
    yield production
    clone.git("reset", "-q", "--hard", head)
    production.inv("deploy")


def test_the_same_without_draining_harms_somebody(careless: Site, seed: int, folder: Path, rate: float) -> None:
    """The negative control: what looks for failures finds them where they have to be."""
    findings = shift_and_back(careless, seed, folder, rate)

    print("\n".join(findings.told()))  # noqa: T201 - the figures are the answer
    assert findings.seen.of("slow form").dropped + findings.seen.of("upload").dropped > 0
    assert [] != findings.mistakes
