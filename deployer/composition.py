"""Builds the adapters of one environment into a World. It knows every adapter and no stage; `app` knows both."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from deployer.model import PROJECT, Environment, Topology
from deployer.pipeline import Stop
from deployer.ports import World
from deployer.tools import process
from deployer.tools.clock import SystemClock

LOAD_BALANCERS = tuple(
    f"{PROJECT}-{short}-{reach}.alb.localhost" for short in ("dev", "staging", "prod") for reach in ("public", "internal")
)
"""Names that resolve to the local cloud inside its network, as the real ones would to a load balancer on AWS."""


@dataclass(frozen=True, slots=True)
class Site:
    """One environment, ready to be worked on. `url` is where visitors reach it; `calls` counts AWS requests so far."""

    world: World
    topology: Callable[[], Topology]
    url: Callable[[], str]
    calls: Callable[[], int]


def stop_for_run() -> Stop:
    """A Stop that ends child processes too."""
    stop = Stop()
    stop.listen(lambda: None if process.stop_all() else None)
    return stop


def compose(root: Path, tree: Path, environment: Environment, logs: Path, stop: Stop, *, dirty: bool) -> Site:
    """All ports of `environment`. `root` is the checkout, `tree` the files of the commit that is released."""
    from deployer.aws.ecr import EcrRegistry
    from deployer.aws.ecs import EcsCompute
    from deployer.aws.elbv2 import ElbTraffic
    from deployer.aws.lease import S3Lease
    from deployer.aws.ledger import S3Ledger
    from deployer.aws.preflight import CloudPreflight
    from deployer.aws.session import Session
    from deployer.aws.state_bucket import StateBucket
    from deployer.aws.topology import StoredTopology

    raise NotImplementedError
