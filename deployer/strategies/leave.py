"""A color goes idle: the frontend first, and the backend once nobody is under way in the frontend any more.

A visitor whose form or upload is still on its way to a frontend task needs the backend of the same color, and the
internal listener leads nowhere as soon as that one is deregistered.
"""

from __future__ import annotations

from deployer.model import Color
from deployer.ports import World

LOOK_EVERY_S = 0.5
SLACK_S = 30.0
"""How much longer than a rollout may take the frontend is waited for: then the backend goes all the same."""


def scale_down(color: Color, world: World) -> tuple[str, ...]:
    """Bring what runs in `color` to zero; return the services that did run. Waits are not cut off by Ctrl-C."""
    did = []
    for service in ("frontend", "backend"):
        if world.compute.live(service, color).desired:
            world.lease.check()
            world.compute.scale(service, color, 0)
            did.append(service)
        if service == "frontend":
            with world.clock.shield():
                _drained(service, color, world)
    return tuple(did)


def _drained(service: str, color: Color, world: World) -> None:
    """Wait until the load balancer has no target of it, draining ones included."""
    until = world.clock.monotonic() + world.environment.steady_timeout_s + SLACK_S
    said = False
    while left := world.traffic.targets(service, color):
        if world.clock.monotonic() >= until:
            world.say(f"{service} {color}: {len(left)} targets still drain, not waited for any longer")
            return
        if not said:
            world.say(f"{service} {color}: {len(left)} targets let requests under way finish")
            said = True
        world.clock.wait(LOOK_EVERY_S)
