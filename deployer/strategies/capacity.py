"""How few tasks autoscaling may leave a color while a release is on its way, and afterwards.

A color with a tenth of the visitors looks idle to autoscaling. While two colors share them, neither may shrink: the new
one is about to get everybody, and the old one may have to take everybody back at once. Growing is always allowed.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from deployer.errors import DeployError, Interrupted, StateUncertain
from deployer.model import SERVICES, Color
from deployer.ports import World


def hold(color: Color, counts: Mapping[str, int], world: World) -> None:
    """Let no service of the color run fewer tasks than `counts` says; one that runs none stays as it is."""
    scales = world.infrastructure.topology().scales
    wanted = [(service, count) for service, count in counts.items() if count and scales(service, color)]
    if wanted:
        world.lease.check()
        with ThreadPoolExecutor(len(wanted)) as pool:
            list(pool.map(lambda each: world.compute.keep(each[0], color, each[1]), wanted))


def free(color: Color, world: World) -> None:
    """Let what runs in the color shrink to the environment's fewest again.

    A failure is told and stands: more tasks than needed cost money and harm nobody.
    """
    for service in SERVICES:
        try:
            if world.infrastructure.topology().scales(service, color) and world.compute.live(service, color).desired:
                world.lease.check()
                world.compute.keep(service, color, world.environment.scaling.fewest)
        except (Interrupted, StateUncertain):
            raise
        except DeployError as error:
            world.say(f"{service} {color} may not shrink until the next release: {error.seen}")
