"""ECR, ECS and ELB."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from tests.infrastructure.controls import control, each
from tests.infrastructure.controls.found import Found

RETENTION_DAYS = 180
RECOMMENDED = {
    *("ELBSecurityPolicy-TLS13-1-2-2021-06", "ELBSecurityPolicy-TLS13-1-2-FIPS-2023-04"),
    *("ELBSecurityPolicy-TLS13-1-3-2021-06", "ELBSecurityPolicy-TLS13-1-3-FIPS-2023-04"),
    *("ELBSecurityPolicy-TLS13-1-2-Res-2021-06", "ELBSecurityPolicy-TLS13-1-2-Res-FIPS-2023-04"),
}
"""Security Hub's list for ELB.17."""
PROTECTED = (True, "${var.protect}")
CLOUD_CONTROL = "aws_cloudcontrolapi_resource"


def repositories(things: Sequence[Found]) -> list[Found]:
    """Image repositories, whichever way they are made."""
    return [
        found
        for found in things
        if found.kind == "aws_ecr_repository"
        or (found.kind == CLOUD_CONTROL and found.values["type_name"] == "AWS::ECR::Repository")
    ]


@control("ECR.1")
def scanned(things: Sequence[Found]) -> Iterator[str]:
    """Images are scanned when they are pushed."""
    for found in repositories(things):
        told = any(block.get("scan_on_push") is True for block in found.blocks("image_scanning_configuration"))
        if not told and "ScanOnPush=true" not in found.text("desired_state"):
            yield found.where


@control("ECR.2")
def immutable(things: Sequence[Found]) -> Iterator[str]:
    """A tag keeps its image, but for *-latest and stable. What cannot do that is for the local cloud only."""
    for found in repositories(things):
        wanted = found.text("desired_state")
        exceptions = re.findall(r'"(\*-latest|stable)"', wanted)
        immutable = "IMMUTABLE_WITH_EXCLUSION" in wanted and set(exceptions) == {"*-latest", "stable"}
        local_only = "!var.immutable_images" in found.spelled(str(found.values.get("for_each")))
        if not immutable and not local_only:
            yield found.where


@control("ECR.3")
def expiring(things: Sequence[Found]) -> Iterator[str]:
    """Every repository has a lifecycle policy; ours keeps what has no special name for 180 days."""
    made = [found for found in repositories(things) if found.planned]
    policies = [found for found in things if found.kind == "aws_ecr_lifecycle_policy"]
    if len(made) > len([found for found in policies if found.planned]):
        yield "a repository has no lifecycle policy"
    wanted = re.compile(rf'(?=.*countType="sinceImagePushed")(?=.*countNumber={RETENTION_DAYS}\b)', re.DOTALL)
    yield from each(things, "aws_ecr_lifecycle_policy", lambda found: wanted.search(found.text("policy")) is not None)


def containers(found: Found) -> str:
    """A task definition's containers as text."""
    return found.text("container_definitions")


@control("ECS.1")
def own_network_and_user(things: Sequence[Found]) -> list[str]:
    """Tasks have a network of their own, and a user that is not root."""
    return each(
        things,
        "aws_ecs_task_definition",
        lambda found: (
            found.is_("network_mode", "awsvpc")
            and re.search(r'\buser="(?!0\b|root\b)[^"]+"', containers(found)) is not None
        ),
    )


@control("ECS.2")
def no_public_address(things: Sequence[Found]) -> list[str]:
    """Services give their tasks no public address."""
    return each(
        things,
        "aws_ecs_service",
        lambda found: [block.get("assign_public_ip") for block in found.blocks("network_configuration")] == [False],
    )


@control("ECS.3")
def own_processes(things: Sequence[Found]) -> list[str]:
    """No task sees the host's processes."""
    return each(things, "aws_ecs_task_definition", lambda found: not found.is_("pid_mode", "host"))


@control("ECS.4")
def unprivileged(things: Sequence[Found]) -> list[str]:
    """No container is privileged."""
    return each(things, "aws_ecs_task_definition", lambda found: "privileged=true" not in containers(found))


@control("ECS.5")
def read_only(things: Sequence[Found]) -> list[str]:
    """Containers cannot write to their root."""
    return each(things, "aws_ecs_task_definition", lambda found: "readonlyRootFilesystem=true" in containers(found))


@control("ECS.8")
def no_secret_variables(things: Sequence[Found]) -> list[str]:
    """No plain variable holds a credential: neither by AWS's names nor by ours."""
    names = "AWS_ACCESS_KEY_ID|AWS_SECRET_ACCESS_KEY|ECS_ENGINE_AUTH_DATA|PGPASSWORD|API_TOKEN|BASIC_AUTH"
    wrong = [
        found.where
        for found in things
        if found.kind == "local" and found.name in ("frontend", "backend")
        for environment in re.findall(r"\benvironment=(.*?)color_environment=", found.text("value"), re.DOTALL)
        if re.search(rf"\b({names})=", environment)
    ]
    plain = re.compile(rf'name="({names})",\s*value=')
    return wrong + each(things, "aws_ecs_task_definition", lambda found: not plain.search(containers(found)))


@control("ECS.9")
def logging(things: Sequence[Found]) -> list[str]:
    """Every container logs somewhere."""
    return each(things, "aws_ecs_task_definition", lambda found: 'logDriver="awslogs"' in containers(found))


@control("ECS.10")
def newest_platform(things: Sequence[Found]) -> list[str]:
    """No service is held at an old version of Fargate."""
    return each(things, "aws_ecs_service", lambda found: not re.match(r"\d", str(found.values.get("platform_version"))))


@control("ECS.12")
def insights(things: Sequence[Found]) -> list[str]:
    """Clusters report Container Insights."""
    return each(
        things,
        "aws_ecs_cluster",
        lambda found: any(
            block.get("name") == "containerInsights" and block.get("value") in ("enabled", "enhanced")
            for block in found.blocks("setting")
        ),
    )


@control("ELB.1")
def redirecting(things: Sequence[Found]) -> Iterator[str]:
    """Plain HTTP leads to HTTPS. A listener may be HTTP only where there is no certificate, the local cloud."""
    redirects = 0
    for found in (found for found in things if found.kind == "aws_lb_listener"):
        goals = [redirect for action in found.blocks("default_action") for redirect in action.get("redirect") or []]
        redirects += [goal.get("protocol") for goal in goals] == ["HTTPS"]
        secure = found.is_("protocol", "HTTPS", '${var.tls ? "HTTPS" : "HTTP"}')
        if not secure and [goal.get("protocol") for goal in goals] != ["HTTPS"]:
            yield found.where
    if not redirects:
        yield "nothing leads to HTTPS"


def balancers(things: Sequence[Found], attribute: str, *wanted: object) -> list[str]:
    """Name the load balancers whose attribute is none of these."""
    return each(things, "aws_lb", lambda found: found.is_(attribute, *wanted))


@control("ELB.4")
def dropping_headers(things: Sequence[Found]) -> list[str]:
    """Malformed headers go no further."""
    return balancers(things, "drop_invalid_header_fields", True)


@control("ELB.5")
def access_logs(things: Sequence[Found]) -> list[str]:
    """Load balancers log who asked for what."""
    return each(
        things, "aws_lb", lambda found: [block.get("enabled") for block in found.blocks("access_logs")] == [True]
    )


@control("ELB.6")
def protected(things: Sequence[Found]) -> list[str]:
    """Load balancers refuse to be deleted."""
    return balancers(things, "enable_deletion_protection", *PROTECTED)


@control("ELB.12")
def desync(things: Sequence[Found]) -> list[str]:
    """Ambiguous requests are not passed on."""
    return balancers(things, "desync_mitigation_mode", "defensive", "strictest")


@control("ELB.13")
def several_zones(things: Sequence[Found]) -> list[str]:
    """Load balancers stand in the subnets of all zones, of which there are at least two."""
    all_zones = ("${var.network.public_subnets}", "${var.network.subnets.private}")
    zones = [found for found in things if found.where == "modules/networking variable.zones"]
    few = [found.where for found in zones if "contains([2, 3], var.zones)" not in str(found.values.get("validation"))]
    return few + each(
        things,
        "aws_lb",
        lambda found: found.is_("subnets", *all_zones) or (found.planned and len(found.values["subnets"]) >= 2),
    )


@control("ELB.17")
def strong_tls(things: Sequence[Found]) -> Iterator[str]:
    """Whatever speaks TLS does it by a policy that Security Hub recommends."""
    for found in (found for found in things if found.kind == "aws_lb_listener"):
        named = set(re.findall(r"ELBSecurityPolicy-[\w-]+", str(found.values.get("ssl_policy"))))
        if "HTTPS" in str(found.values["protocol"]) and not (named and named <= RECOMMENDED):
            yield found.where
