"""Builds the adapters of one environment into a World. It knows every adapter and no stage; `app` knows both."""

from __future__ import annotations

import atexit
import gc
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from deployer import config
from deployer.journal import Journal
from deployer.journalled import JournalledCompute, JournalledInfrastructure, JournalledLedger, JournalledTraffic
from deployer.model import PROJECT, BuiltImage, Environment, Plan, Topology
from deployer.pipeline import Stop
from deployer.ports import World
from deployer.tools import file_lock, process
from deployer.tools.clock import SystemClock
from deployer.tools.local_builder import LocalBuilder

if TYPE_CHECKING:
    from deployer.aws.session import Session
    from deployer.aws.state_bucket import StateBucket
    from deployer.aws.topology import StoredTopology
    from deployer.tools.local_cloud import LocalCloudPlatform
    from deployer.tools.terraform import Terraform

LOAD_BALANCERS = tuple(
    f"{PROJECT}-{short}-{reach}.alb.localhost"
    for short in ("dev", "staging", "prod")
    for reach in ("public", "internal")
)
"""Names that resolve to the local cloud inside its network, as the real ones would to a load balancer on AWS."""

GARBAGE = 100_000
"""Objects made until Python looks for garbage among them. By its default of 700 a command that reads AWS's service
models spends 16 ms of its first half second on looking through what it has just loaded (measured)."""


@dataclass(frozen=True, slots=True)
class Site:
    """One environment, ready to be worked on.

    `url` is where visitors reach it, `calls` counts AWS requests so far, by operation; `saved_plan` is what `inv plan`
    left.
    """

    world: World
    topology: Callable[[], Topology]
    url: Callable[[], str]
    calls: Callable[[], Mapping[str, int]]
    saved_plan: Callable[[], Plan | None]


class Build(Protocol):
    """Builds an image by name: at a commit, of a time, telling somebody, for a platform ("" is the engine's own)."""

    def __call__(
        self, name: str, commit: str, created: datetime, say: Callable[[str], None], platform: str = ""
    ) -> BuiltImage:
        """See `ports.Builder`."""
        ...


@dataclass(frozen=True, slots=True)
class LocalSite:
    """This machine: its images and its local cloud. `require` raises for a platform that it cannot build for."""

    platform: LocalCloudPlatform
    build: Build
    require: Callable[[str], None]


class AwsPlatform:
    """The environment's AWS account; fills ports.Platform."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def ready(self, say: Callable[[str], None]) -> str:
        """Sign in, which makes sure that the credentials belong to the environment's account."""
        environment = self._session.environment
        say(f"signing in to AWS account {environment.account_id}")
        self._session.s3.meta  # noqa: B018 - the first client signs in
        return f"AWS account {environment.account_id}, {environment.region}"


def _silent(_: str) -> None:
    """Nobody listens: the runner gives each stage a `say` of its own."""


def stop_for_run() -> Stop:
    """A Stop that ends child processes too, and waits for what another run of this checkout holds."""
    stop = Stop()
    stop.listen(process.stop_all)
    stop.listen(file_lock.stop_all)
    return stop


def local_site(root: Path, logs: Path) -> LocalSite:
    """The local cloud of the checkout at `root`; two checkouts have two."""
    from deployer.tools.local_cloud import LocalCloudPlatform

    builder = LocalBuilder(root, root)

    def build(name: str, commit: str, created: datetime, say: Callable[[str], None], platform: str = "") -> BuiltImage:
        log = logs / f"build-{name}.log"
        return builder.build(name, commit=commit, created=created, log=log, say=say, platform=platform)

    return LocalSite(LocalCloudPlatform(root, LOAD_BALANCERS, build), build, builder.require)


def compose(
    root: Path,
    tree: Path,
    environment: Environment,
    logs: Path,
    stop: Stop,
    *,
    rehearsal: bool = False,
    fresh: bool = False,
) -> Site:
    """All ports of `environment`. `root` is the checkout, `tree` the files of the commit that is released.

    In a rehearsal nothing is made that was not there. A `fresh` run believes no recorded pass and no plan of before.
    """
    gc.set_threshold(GARBAGE)
    # At its end, too, Python looks through all that was loaded, which is about to go anyway: 80 ms with three clients.
    atexit.register(gc.freeze)

    from deployer.aws.abort import S3Abort
    from deployer.aws.cloudwatch import CloudWatch
    from deployer.aws.ecr import Ecr
    from deployer.aws.ecs import Ecs
    from deployer.aws.elbv2 import Elbv2
    from deployer.aws.journal import S3Journal
    from deployer.aws.lease import S3Lease
    from deployer.aws.ledger import S3Ledger
    from deployer.aws.preflight import CloudPreflight
    from deployer.aws.session import Session
    from deployer.aws.state_bucket import StateBucket
    from deployer.aws.topology import StoredTopology
    from deployer.tools.gate_cache import CachedGates
    from deployer.tools.migrations import Migrations
    from deployer.tools.nox_gates import NoxGates, clean_environment
    from deployer.tools.smoke import Smoke

    clock = SystemClock(stop.event)
    local = local_site(root, logs).platform if environment.cloud == "local" else None
    session = Session(environment, endpoint_url=local.endpoint_url if local else None, root=root)
    topology = StoredTopology(session, root)
    traffic = Elbv2(session, topology)
    bucket = StateBucket(session)
    lease = S3Lease(session, clock, bucket)
    journal = Journal(S3Journal(session), lease, clock)
    terraform = _terraform(root, tree, session, local, bucket, topology, rehearsal=rehearsal, fresh=fresh)

    def url() -> str:
        known = topology()
        return f"http://{known.public_dns_name}:{local.http_port}" if local else known.url

    def idle_url() -> str:
        known = topology()
        if local:
            return f"http://{known.public_dns_name}:{local.test_port}"
        return known.test_url

    world = World(
        environment=environment,
        root=tree,
        logs=logs,
        platform=local or AwsPlatform(session),
        gates=CachedGates(
            NoxGates(tree, envdir=root / ".nox"),
            tree,
            root / ".cache" / "gates",
            clean_environment(os.environ),
            clock.now,
            fresh=fresh,
        ),
        builder=LocalBuilder(tree, root),
        registry=Ecr(session),
        infrastructure=JournalledInfrastructure(terraform, journal),
        compute=JournalledCompute(Ecs(session, topology, traffic, clock), journal),
        traffic=JournalledTraffic(traffic, journal),
        metrics=CloudWatch(session, topology),
        preflight=CloudPreflight(session, topology),
        migrations=Migrations(tree),
        probe=Smoke(tree, environment, url, idle_url, session.endpoint_url, reports=root / "reports"),
        ledger=JournalledLedger(S3Ledger(session), journal),
        lease=lease,
        journal=journal,
        abort=S3Abort(session),
        clock=clock,
        say=_silent,
    )
    return Site(world, topology, url, lambda: session.calls, terraform.saved)


def _terraform(
    root: Path,
    tree: Path,
    session: Session,
    local: LocalCloudPlatform | None,
    bucket: StateBucket,
    topology: StoredTopology,
    *,
    rehearsal: bool,
    fresh: bool,
) -> Terraform:
    from deployer.tools.terraform import Terraform

    environment = session.environment
    return Terraform(
        environment,
        configuration=tree / "infrastructure" / "terraform",
        cache=root / ".cache",
        instance=local.name if local else environment.account_id,
        endpoint_url=session.endpoint_url,
        bootstrap=bucket.require if rehearsal else bucket.ensure,
        read_serial=bucket.serial,
        read_topology=topology,
        forget_topology=topology.forget,
        tag_state=bucket.tag,
        fresh=fresh,
        variables=config.terraform_variables(environment),
    )
