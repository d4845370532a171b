"""alarms: nothing is released into trouble. What is meant to end the trouble says so, and why."""

from __future__ import annotations

from deployer.errors import GateFailed
from deployer.model import Outcome, Release, Status
from deployer.pipeline import Stage
from deployer.ports import World


def run(release: Release, world: World) -> Outcome:
    """Refuse to begin while an alarm fires, unless the release is to fix what it tells of. Raises GateFailed."""
    if world.environment.strategy != "blue_green":
        return Outcome("no traffic is shifted that an alarm could stop", status=Status.SKIPPED)
    found = world.metrics.firing()
    if not found:
        return Outcome("none fires")
    if release.fix_forward:
        return Outcome(f"{', '.join(found)} fires; released all the same: {release.fix_forward}")
    raise GateFailed(
        f"release to {world.environment.name}",
        f"alarm {', '.join(found)} fires already",
        "mend what it tells of first; a release that is to mend it: --fix-forward --reason='what it mends'",
    )


STAGE = Stage("alarms", ("build", "plan", "compare", "lock"), run)
