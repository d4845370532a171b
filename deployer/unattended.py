"""The World of the scheduled reconciler: a container in the environment itself, without git, Docker or Terraform.

`composition` builds what a checkout has; this is what the cloud alone can be asked for. It knows adapters and no stage.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from deployer.aws.ecs import Ecs
from deployer.aws.elbv2 import Elbv2
from deployer.aws.lease import S3Lease
from deployer.aws.ledger import S3Ledger
from deployer.aws.session import OVERRIDE, Session
from deployer.aws.state_bucket import StateBucket
from deployer.aws.topology import StoredTopology
from deployer.model import Environment
from deployer.pipeline import Stop
from deployer.ports import World
from deployer.tools.clock import SystemClock

LOGS = Path("/tmp")  # noqa: S108 # nosec B108 - the task's own, and the one place where it can write


def endpoint_url(environment: Environment, environ: dict[str, str]) -> str | None:
    """Where the AWS APIs answer: the local cloud tells its tasks; on AWS nobody may (`Session` refuses it)."""
    return environ.get(OVERRIDE) if environment.cloud == "local" else None


def world(environment: Environment, root: Path, endpoint: str | None, stop: Stop) -> World:
    """All ports that settling needs. Raises what `Session` raises: an override, or no endpoint of the local cloud."""
    clock = SystemClock(stop.event)
    session = Session(environment, endpoint_url=endpoint)
    topology = StoredTopology(session)
    traffic = Elbv2(session, topology)
    nobody: Any = None  # settling asks none of these; a call is a bug, and told as one
    return World(
        environment=environment,
        root=root,
        logs=LOGS,
        platform=nobody,
        gates=nobody,
        builder=nobody,
        registry=nobody,
        infrastructure=nobody,
        compute=Ecs(session, topology, traffic, clock),
        traffic=traffic,
        preflight=nobody,
        probe=nobody,
        ledger=S3Ledger(session),
        lease=S3Lease(session, clock, StateBucket(session)),
        clock=clock,
        say=lambda _: None,
    )
