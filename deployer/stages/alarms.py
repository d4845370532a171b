"""alarms: nothing is released into trouble. What is meant to end the trouble says so, and why."""

from __future__ import annotations

from collections.abc import Collection

from deployer.errors import GateFailed
from deployer.model import Outcome, Release, Status
from deployer.pipeline import Stage
from deployer.ports import World
from deployer.strategies.gate_watch import LOOKS_PER_PERIOD, patience_s


def run(release: Release, world: World) -> Outcome:
    """Refuse to begin while an alarm fires, unless the release is to fix what it tells of. Raises GateFailed.

    An alarm of a color without visitors is waited for.
    """
    if world.environment.strategy != "blue_green":
        return Outcome("no traffic is shifted that an alarm could stop", status=Status.SKIPPED)
    found = world.metrics.firing()
    if not found:
        return Outcome("none fires")
    if release.fix_forward:
        return Outcome(f"{', '.join(found)} fires; released all the same: {release.fix_forward}")
    over = _waited_out(found, world)
    found = world.metrics.firing() if over else found
    if not found:
        return Outcome(f"{', '.join(over)} is over: it told of a release that was put back")
    raise GateFailed(
        f"release to {world.environment.name}",
        f"alarm {', '.join(found)} fires already",
        "mend what it tells of first; a release that is to mend it: --fix-forward --reason='what it mends'",
    )


def _waited_out(found: Collection[str], world: World) -> tuple[str, ...]:
    """Wait for alarms of a color that gets no visitors; return those that are over, none where another one fires.

    A release that was put back leaves them behind for a period or two. They would stop the next one, which takes its
    place, and tell nothing of what serves.
    """
    limits, clock = world.environment.limits, world.clock
    left = {str(color) for color, weight in world.traffic.weights().items() if weight == 0}
    deadline = clock.monotonic() + patience_s(limits)
    over: set[str] = set()
    while found and all(left & set(name.split("-")) for name in found) and clock.monotonic() < deadline:
        if not over:
            world.say(f"waiting for the end of alarm {', '.join(found)}: nobody meets what it tells of")
        over |= set(found)
        clock.wait(limits.period_s / LOOKS_PER_PERIOD)
        found = world.metrics.firing()
    return tuple(sorted(over - set(found)))


STAGE = Stage("alarms", ("build", "plan", "compare", "lock"), run)
