"""scan: Dockerfiles, Python security lint, committed secrets."""

from __future__ import annotations

from deployer.model import Outcome, Release, Status
from deployer.pipeline import Stage
from deployer.ports import World

SESSIONS = ("scan",)


def run(release: Release, world: World) -> Outcome:
    """Run hadolint, bandit and gitleaks. Raises GateFailed with the findings."""
    checked = world.gates.run(SESSIONS, world.logs / "scan.log", world.say)
    return Outcome(checked.summary, status=Status.CACHED if checked.cached else Status.OK)


STAGE = Stage("scan", (), run)
