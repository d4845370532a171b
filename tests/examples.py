"""Values that tests start from: an environment, what Terraform made of it, a release, and stages that keep a diary."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from deployer.model import (
    SERVICES,
    Color,
    ColorTopology,
    Environment,
    Limits,
    Outcome,
    ReconcilerTopology,
    Release,
    Scaling,
    Service,
    ServiceTopology,
    Step,
    Topology,
    release_id,
)
from deployer.ports import World
from deployer.stage import Stage

ROOT = Path(__file__).resolve().parent.parent
NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
COMMIT = "0123456789abcdef0123456789abcdef01234567"

ENVIRONMENT = Environment(
    name="development",
    short_name="dev",
    domain="dev.indivillage.com",
    region="ap-south-1",
    replica_region="ap-southeast-1",
    account_id="000000000000",
    cloud="local",
    branch="develop",
    strategy="rolling",
    steps=(Step(100, 0),),
    bake_factor=1.0,
    steady_timeout_s=300,
    limits=Limits(1, 1000, 1),
    scaling=Scaling(1, 4),
    services={
        "backend": Service("backend", 256, 512, 1, 8080, "/readyz"),
        "frontend": Service("frontend", 256, 512, 1, 8080, "/healthz"),
    },
    tfvars=Path("terraform.tfvars"),
    config_hash="c0ffee",
    tags={"project": "indivillage", "environment": "development", "owner": "platform-team"},
)


def _service(name: str) -> ServiceTopology:
    return ServiceTopology(
        name=name,
        repository=f"indivillage/{name}",
        family=f"indivillage-dev-{name}",
        container_port=8080,
        execution_role="arn:execution",
        task_role="arn:task",
        log_group=f"/indivillage/dev/{name}",
        security_groups=("sg-1",),
        health_path="/healthz",
        environment={},
        color_environment={color: {} for color in Color},
        secrets={},
        colors={c: ColorTopology(f"indivillage-dev-{name}-{c}", f"arn:{name}-{c}") for c in Color},
    )


TOPOLOGY = Topology(
    cluster="indivillage-dev",
    url="http://indivillage-dev-public.alb.localhost:8080",
    public_dns_name="indivillage-dev-public.alb.localhost",
    public_listener="arn:public",
    test_listener="arn:test",
    public_port=80,
    test_port=9000,
    internal_listeners={color: f"arn:internal-{color}" for color in Color},
    subnets=("subnet-1",),
    buckets={"forms": "forms", "uploads": "uploads", "logs": "logs"},
    services={name: _service(name) for name in SERVICES},
    reconciler=ReconcilerTopology(
        repository="indivillage/deployer",
        family="indivillage-dev-reconciler",
        execution_role="arn:execution",
        task_role="arn:task",
        log_group="/indivillage/dev/reconciler",
    ),
)

SCALED = replace(
    TOPOLOGY,
    services={
        name: replace(
            place,
            colors={c: replace(at, scalable_target=f"service/x/{at.service}") for c, at in place.colors.items()},
        )
        for name, place in TOPOLOGY.services.items()
    },
)
"""The same where autoscaling owns the counts, as on AWS."""


def release(at: datetime = NOW, commit: str = COMMIT) -> Release:
    """A release at its very beginning."""
    return Release(release_id("dev", at, commit), "development", commit, "somebody", at)


def stage(
    name: str,
    *needs: str,
    log: list[str],
    error: BaseException | None = None,
    learned: Mapping[str, object] | None = None,
    undo_error: Exception | None = None,
    close_error: Exception | None = None,
) -> Stage:
    """A stage that writes `name`, `undo name` and `close name` into `log`, and fails where it is told to."""

    def run(_: Release, __: World) -> Outcome:
        log.append(name)
        if error:
            raise error
        return Outcome(f"{name} is done", learned or {}, before=name)

    def undo(_: Release, outcome: Outcome, __: World) -> None:
        log.append(f"undo {outcome.before}")
        if undo_error:
            raise undo_error

    def close(_: World) -> None:
        log.append(f"close {name}")
        if close_error:
            raise close_error

    return Stage(name, needs, run, undo, close)
