"""scan: Dockerfiles, Python security lint, committed secrets."""

from __future__ import annotations

from deployer.model import Outcome, Release
from deployer.pipeline import Stage
from deployer.ports import World

SESSIONS = ("scan",)


def run(release: Release, world: World) -> Outcome:
    """Run hadolint, bandit and gitleaks. Raises GateFailed with the findings."""
    return Outcome(world.gates.run(SESSIONS, world.logs / "scan.log", world.say))


STAGE = Stage("scan", (), run)
