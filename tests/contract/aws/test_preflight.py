"""Preflight finds each thing that is missing, and nothing when all is there."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from deployer.aws.preflight import CloudPreflight
from deployer.aws.session import Session
from deployer.aws.topology import parse
from deployer.model import Color, Image
from tests.unit.aws import values

if TYPE_CHECKING:
    from collections.abc import Callable

    from deployer.model import Topology
    from tests.contract.aws.stand_in import StandIn

MEDIA_TYPE = "application/vnd.docker.distribution.manifest.v2+json"
MANIFEST = json.dumps({"schemaVersion": 2, "mediaType": MEDIA_TYPE, "config": {"digest": "sha256:" + "11" * 32}})
ABSENT_DIGEST = "sha256:" + "00" * 32


def image(applied: StandIn, **changes: str) -> Image:
    """Return an image that is in the frontend's repository, or with `changes` one that is not."""
    repository = applied.topology.services["frontend"].repository
    found = applied.session.ecr.describe_images(repositoryName=repository)["imageDetails"]
    if not found:
        put = applied.session.ecr.put_image(repositoryName=repository, imageManifest=MANIFEST, imageTag="t")
        digest = put["image"]["imageId"]["imageDigest"]
    else:
        digest = found[0]["imageDigest"]
    return replace(Image("frontend", repository, digest), **changes)  # type: ignore[arg-type]


def problems(applied: StandIn, topology: Topology, *images: Image) -> tuple[str, ...]:
    """Ask preflight about a release of `images` in a world that `topology` describes."""
    release = replace(values.release(), images={str(i): image for i, image in enumerate(images)})
    return CloudPreflight(applied.session, lambda: topology).problems(release)


def test_an_environment_as_applied_has_no_problems(applied: StandIn) -> None:
    """No false alarm, and no more calls than one for each thing that is looked at."""
    before = sum(applied.session.calls.values())
    wanted = image(applied)
    assert problems(applied, applied.topology, wanted) == ()
    assert sum(applied.session.calls.values()) - before < 40


def _nowhere(arn: str) -> str:
    """Return an ARN of the same form that names nothing."""
    return arn[:-4] + ("0000" if arn[-4:] != "0000" else "1111")


def _frontend(key: str, value: Callable[[Any], Any]) -> Callable[[dict[str, Any]], None]:
    def change(document: dict[str, Any]) -> None:
        document["services"]["frontend"][key] = value(document["services"]["frontend"][key])

    return change


def _color(key: str, value: Callable[[str], str]) -> Callable[[dict[str, Any]], None]:
    def change(document: dict[str, Any]) -> None:
        place = document["services"]["frontend"]["colors"]["green"]
        place[key] = value(place[key])

    return change


def _listener(reach: str, key: str) -> Callable[[dict[str, Any]], None]:
    def change(document: dict[str, Any]) -> None:
        balancer = document["load_balancers"][reach]
        balancer[key] = _nowhere(balancer[key])

    return change


def _internal(document: dict[str, Any]) -> None:
    listeners = document["load_balancers"]["internal"]["listeners"]
    listeners["green"] = _nowhere(listeners["green"])


def _subnet(document: dict[str, Any]) -> None:
    document["subnets"] = [*document["subnets"], "subnet-0123456789abcdef0"]


def _cluster(document: dict[str, Any]) -> None:
    document["cluster"] = "nowhere"


def _services(document: dict[str, Any]) -> None:
    document["services"].pop("backend")


SECRET = "arn:aws:secretsmanager:ap-south-1:000000000000:secret:nothing-AbCdEf:password::"
PARAMETER = "arn:aws:ssm:ap-south-1:000000000000:parameter/nothing/here"


@pytest.mark.parametrize(
    ("change", "line"),
    [
        pytest.param(_frontend("execution_role", lambda arn: arn + "x"), "IAM role", id="execution role"),
        pytest.param(_frontend("task_role", lambda arn: arn + "x"), "IAM role", id="task role"),
        pytest.param(_frontend("secrets", lambda _: {"TOKEN": SECRET}), "nothing-AbCdEf", id="secret"),
        pytest.param(_frontend("secrets", lambda _: {"TOKEN": PARAMETER}), "/nothing/here", id="parameter"),
        pytest.param(_frontend("log_group", lambda name: name[:-1]), "log group", id="log group"),
        pytest.param(_frontend("security_groups", lambda _: ["sg-0123456789abcdef0"]), "security group", id="sg"),
        pytest.param(_frontend("container_port", lambda _: 9999), "port 8080", id="container port"),
        pytest.param(_color("target_group", _nowhere), "target group", id="target group"),
        pytest.param(_color("service", lambda name: name + "x"), "ECS service", id="service"),
        pytest.param(_listener("public", "listener"), "public listener", id="public listener"),
        pytest.param(_listener("public", "test_listener"), "test listener", id="test listener"),
        pytest.param(_internal, "internal green listener", id="internal listener"),
        pytest.param(_subnet, "subnet subnet-0123456789abcdef0", id="subnet"),
        pytest.param(_cluster, "ECS cluster nowhere", id="cluster"),
        pytest.param(_services, "service backend is in terraform.tfvars", id="service missing altogether"),
    ],
)
def test_each_missing_thing_is_one_line_with_what_to_do(
    applied: StandIn, change: Callable[[dict[str, Any]], None], line: str
) -> None:
    """The topology names something that the cloud does not have: one line for it, and none for anything else."""
    document = json.loads(json.dumps(applied.document))
    change(document)
    found = problems(applied, parse(json.dumps(document), "p"))
    assert len(found) == 1, found
    assert line in found[0]
    assert "inv apply --env=" in found[0]


def test_an_image_or_repository_that_is_missing_is_named(applied: StandIn) -> None:
    """By digest, as the task definition would name it."""
    lacking, nowhere = image(applied, digest=ABSENT_DIGEST), image(applied, repository="indivillage/nowhere")
    found = problems(applied, applied.topology, lacking, nowhere)
    assert len(found) == 2, found
    assert ABSENT_DIGEST in found[0]
    assert "ECR repository indivillage/nowhere" in found[1]


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"port": 9090}, "its port is 8080, frontend needs 9090"),
        ({"health_path": "/up"}, "its health check path is /healthz"),
    ],
)
def test_a_target_group_that_disagrees_with_the_tfvars_is_named(
    applied: StandIn, change: dict[str, Any], line: str
) -> None:
    """Traffic would go to a port nobody listens on, or health would be asked of a path nobody answers."""
    environment = applied.session.environment
    services = {**environment.services, "frontend": replace(environment.services["frontend"], **change)}
    session = Session(replace(environment, services=services), endpoint_url=applied.session.endpoint_url, environ={})
    topology = applied.topology
    found = CloudPreflight(session, lambda: topology).problems(values.release())
    assert 2 == len([problem for problem in found if line in problem]), found


def told(applied: StandIn, **variables: str) -> list[str]:
    """What preflight says when both services have these variables."""
    environment = applied.session.environment
    services = {name: replace(one, environment=variables) for name, one in environment.services.items()}
    session = Session(replace(environment, services=services), endpoint_url=applied.session.endpoint_url, environ={})
    return list(CloudPreflight(session, lambda: applied.topology).problems(values.release()))


def test_a_deregistration_that_cuts_requests_off_is_refused(applied: StandIn) -> None:
    """With both numbers, for the one target group that is wrong."""
    group = applied.topology.services["backend"].colors[Color.GREEN].target_group
    applied.set_delay(group, 15)
    try:
        found = told(applied)
    finally:
        applied.set_delay(group, 60)

    assert 1 == len(found), found
    assert found[0].startswith("backend: deregistration delay 15 s <= longest request 50 s: requests under way")
    assert [] == told(applied)


def test_containers_that_hang_up_before_their_load_balancer_are_refused(applied: StandIn) -> None:
    """The public one is the frontend's, the internal one the backend's."""
    balancers = applied.document["load_balancers"]
    applied.set_idle_timeout(balancers["internal"]["arn"], 80)
    try:
        found = told(applied)
    finally:
        applied.set_idle_timeout(balancers["internal"]["arn"], 60)

    assert 1 == len(found), found
    assert found[0].startswith("backend: keep-alive of the container 75 s <= load balancer idle timeout 80 s")
    both = told(applied, KEEP_ALIVE_S="10")
    assert ["backend", "frontend"] == sorted(line.partition(":")[0] for line in both)


def test_a_time_that_is_no_number_is_told_with_its_file(applied: StandIn) -> None:
    """The container would not start with it."""
    found = told(applied, GRACE_S="soon")

    assert 2 == len(found), found
    assert all("terraform.tfvars" in line and "'soon'" in line for line in found)
