"""The World of the scheduled reconciler: a container in the environment itself, without git, Docker or Terraform.

`composition` builds what a checkout has; this is what the cloud alone can be asked for. It knows adapters and no stage.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from deployer.aws.abort import S3Abort
from deployer.aws.ecs import Ecs
from deployer.aws.elbv2 import Elbv2
from deployer.aws.journal import S3Journal
from deployer.aws.lease import S3Lease
from deployer.aws.ledger import S3Ledger
from deployer.aws.session import OVERRIDE, Session
from deployer.aws.state_bucket import StateBucket
from deployer.aws.topology import StoredTopology
from deployer.errors import GateFailed
from deployer.journal import Journal
from deployer.journalled import JournalledCompute, JournalledLedger, JournalledTraffic
from deployer.model import Environment, Topology
from deployer.pipeline import Stop
from deployer.ports import World
from deployer.tools.clock import SystemClock

LOGS = Path("/tmp")  # noqa: S108 # nosec B108 - the task's own, and the one place where it can write


@dataclass(frozen=True, slots=True)
class Unattended:
    """The world of one look; `calls` counts its AWS requests so far, by operation."""

    world: World
    calls: Callable[[], Mapping[str, int]]


@dataclass(frozen=True)
class Applied:
    """What Terraform made: all of ports.Infrastructure that can be had without Terraform."""

    topology: Callable[[], Topology]


class NoProof:
    """In the place of ports.Probe: the smoke test is no part of the image, so nothing is called proven here."""

    def version(self, *_: object, **__: object) -> NoReturn:
        """Nobody is asked."""
        raise self._refusal()

    def smoke(self, *_: object, **__: object) -> NoReturn:
        """No test is run. Raises GateFailed, which leaves the release without a verdict for the next command."""
        raise self._refusal()

    def sample(self, *_: object, **__: object) -> NoReturn:
        """Nothing is judged here that samples would be for."""
        raise self._refusal()

    @staticmethod
    def _refusal() -> GateFailed:
        return GateFailed(
            "prove what serves", "the scheduled reconciler has no smoke test", "the next command proves it"
        )


def endpoint_url(environment: Environment, environ: Mapping[str, str]) -> str | None:
    """Where the AWS APIs answer: the local cloud tells its tasks; on AWS nobody may (`Session` refuses it)."""
    return environ.get(OVERRIDE) if environment.cloud == "local" else None


def compose(environment: Environment, root: Path, endpoint: str | None, stop: Stop) -> Unattended:
    """All ports that settling needs. Raises what `Session` raises: an override, or no endpoint of the local cloud."""
    clock = SystemClock(stop.event)
    session = Session(environment, endpoint_url=endpoint)
    topology = StoredTopology(session)
    traffic = Elbv2(session, topology)
    lease = S3Lease(session, clock, StateBucket(session))
    journal = Journal(S3Journal(session), lease, clock)
    applied: Any = Applied(topology)
    nobody: Any = None  # settling asks none of these; a call is a bug, and told as one
    world = World(
        environment=environment,
        root=root,
        logs=LOGS,
        platform=nobody,
        gates=nobody,
        builder=nobody,
        registry=nobody,
        infrastructure=applied,
        compute=JournalledCompute(Ecs(session, topology, traffic, clock), journal),
        traffic=JournalledTraffic(traffic, journal),
        metrics=nobody,
        preflight=nobody,
        migrations=nobody,
        probe=NoProof(),
        ledger=JournalledLedger(S3Ledger(session), journal),
        lease=lease,
        journal=journal,
        abort=S3Abort(session),
        clock=clock,
        say=lambda _: None,
    )
    return Unattended(world, lambda: session.calls)
