"""Values that the AWS adapters' tests start from: one environment, one topology, one release."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from deployer.model import (
    Color,
    ColorTopology,
    Environment,
    Limits,
    Release,
    Scaling,
    Service,
    ServiceTopology,
    Step,
    Topology,
)

COMMIT = "0123456789abcdef0123456789abcdef01234567"
STARTED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
ARN = "arn:aws:{}:ap-south-1:000000000000:{}"


def environment(
    short_name: str = "dev", *, cloud: Literal["local", "aws"] = "local", account_id: str = "000000000000"
) -> Environment:
    """Return an environment as config.py would make it."""
    return Environment(
        name="development",
        short_name=short_name,
        domain="dev.indivillage.com",
        region="ap-south-1",
        replica_region="ap-southeast-1",
        account_id=account_id,
        cloud=cloud,
        branch="develop",
        strategy="rolling",
        steps=(Step(100, 0),),
        bake_factor=1.0,
        steady_timeout_s=300,
        limits=Limits(1, 1000, 1),
        scaling=Scaling(2, 4),
        services={
            "frontend": Service("frontend", 256, 512, 1, 8080, "/healthz", {"LOG_LEVEL": "info"}),
            "backend": Service("backend", 512, 1024, 2, 8080, "/readyz", {}),
        },
        tfvars=Path("environments/development/terraform.tfvars"),
        config_hash="c0ffee",
        tags={"project": "indivillage", "environment": "development", "owner": "platform-team"},
    )


def service_topology(name: str = "frontend", short_name: str = "dev") -> ServiceTopology:
    """Return where one service lives."""
    prefix = f"indivillage-{short_name}"
    return ServiceTopology(
        name=name,
        repository=f"indivillage/{name}",
        family=f"{prefix}-{name}",
        container_port=8080,
        execution_role=f"arn:aws:iam::000000000000:role/{prefix}-execution",
        task_role=f"arn:aws:iam::000000000000:role/{prefix}-{name}",
        log_group=f"/indivillage/{short_name}/{name}",
        security_groups=("sg-1",),
        health_path={"frontend": "/healthz", "backend": "/readyz"}[name],
        environment={"AWS_REGION": "ap-south-1", "LOG_LEVEL": "debug"},
        color_environment={
            Color.BLUE: {"BACKEND_URL": f"http://{prefix}-internal.alb.localhost:8081"},
            Color.GREEN: {"BACKEND_URL": f"http://{prefix}-internal.alb.localhost:8082"},
        },
        secrets={"BASIC_AUTH": ARN.format("secretsmanager", "secret:basic-auth-AbCdEf")},
        colors={
            color: ColorTopology(
                f"{prefix}-{name}-{color}",
                ARN.format("elasticloadbalancing", f"targetgroup/{short_name}-{name}-{color}/0123456789abcdef"),
            )
            for color in Color
        },
    )


def topology(short_name: str = "dev") -> Topology:
    """Return what Terraform made."""
    listener = "listener/app/indivillage-dev-{}/0123456789abcdef/{}"
    return Topology(
        cluster=f"indivillage-{short_name}",
        url="http://indivillage-dev-public.alb.localhost:8080",
        public_dns_name="indivillage-dev-public.alb.localhost",
        public_listener=ARN.format("elasticloadbalancing", listener.format("public", "a")),
        test_listener=ARN.format("elasticloadbalancing", listener.format("public", "b")),
        public_port=80,
        test_port=9000,
        internal_listeners={
            Color.BLUE: ARN.format("elasticloadbalancing", listener.format("internal", "c")),
            Color.GREEN: ARN.format("elasticloadbalancing", listener.format("internal", "d")),
        },
        subnets=("subnet-1", "subnet-2"),
        buckets={"forms": "f", "uploads": "u", "logs": "l"},
        services={name: service_topology(name, short_name) for name in ("frontend", "backend")},
    )


def release(color: Color = Color.BLUE, id_: str = "dev-20260102T030405Z-0123456") -> Release:
    """Return a release that has just begun."""
    return Release(
        id=id_, environment="development", commit=COMMIT, actor="somebody@example.com", started_at=STARTED, color=color
    )


def topology_document() -> dict[str, Any]:
    """Return the topology parameter as Terraform writes it."""

    def service(name: str) -> dict[str, Any]:
        return {
            "repository": f"indivillage/{name}",
            "family": f"indivillage-dev-{name}",
            "container_port": 8080,
            "execution_role": "arn:execution",
            "task_role": "arn:task",
            "log_group": f"/indivillage/dev/{name}",
            "security_groups": ["sg-1"],
            "health_path": "/healthz",
            "environment": {"A": "1"},
            "color_environment": {"blue": {"B": "2"}, "green": {"B": "3"}},
            "secrets": {"S": "arn:secret"},
            "colors": {c: {"service": f"{name}-{c}", "target_group": f"arn:{name}-{c}"} for c in ("blue", "green")},
        }

    return {
        "cluster": "indivillage-dev",
        "url": "http://x",
        "load_balancers": {
            "public": {
                "arn": "arn:p", "dns_name": "p", "listener": "arn:l", "test_listener": "arn:t", "port": 80,
                "test_port": 9000,
            },
            "internal": {"arn": "arn:i", "dns_name": "i", "listeners": {"blue": "arn:b", "green": "arn:g"}},
        },
        "services": {"frontend": service("frontend"), "backend": service("backend")},
        "subnets": ["subnet-1"],
        "buckets": {"forms": "f"},
    }  # fmt: skip
