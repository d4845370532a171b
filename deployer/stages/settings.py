"""settings: what the environment's file leaves out that a release cannot do without, told before anything is done."""

from __future__ import annotations

from deployer.errors import GateFailed
from deployer.model import Outcome, Release
from deployer.pipeline import Stage
from deployer.ports import World

OPEN_IT = (
    'name the addresses that deployments come from there, e.g. test_cidrs = ["203.0.113.7/32"] in '
    "access = { … }; commit it and deploy again"
)


def run(release: Release, world: World) -> Outcome:
    """Refuse a release that could not be proven. Raises GateFailed."""
    found = closed(world)
    if found:
        raise GateFailed(f"release to {world.environment.name}", found, OPEN_IT)
    return Outcome("a release can be proven")


def closed(world: World) -> str:
    """Blue/green proves a release through the test listener, which on AWS is open to `access.test_cidrs` alone.

    Says where nobody is named; "" where somebody is, or nobody has to be. The file is named as in the repository: the
    tree of another commit than HEAD is gone when people read it.
    """
    environment = world.environment
    if (environment.cloud, environment.strategy) != ("aws", "blue_green") or environment.test_cidrs:
        return ""
    file = environment.tfvars
    file = file.relative_to(world.root) if file.is_relative_to(world.root) else file
    return f"access.test_cidrs is empty in {file}: nobody reaches the test listener, so no release can be proven there"


STAGE = Stage("settings", (), run)
