"""The task definition a release becomes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from deployer.aws.task_definition import build, content, is_of, labels, log_stream
from deployer.draining import VARIABLES
from deployer.errors import InputError
from deployer.model import Color, Release, Service
from tests.unit.aws import values

if TYPE_CHECKING:
    from mypy_boto3_ecs.type_defs import RegisterTaskDefinitionRequestTypeDef

DIGEST = "sha256:" + "ab" * 32
REFERENCE = f"localhost:4566/indivillage/frontend@{DIGEST}"


def request(color: Color = Color.BLUE) -> RegisterTaskDefinitionRequestTypeDef:
    """Build the frontend's request in `color`."""
    environment = values.environment()
    service = environment.services["frontend"]
    return build(values.release(color), service, values.service_topology(), environment, REFERENCE)


def test_the_container_is_locked_down() -> None:
    """Numeric user, read-only root, no capabilities, an init process, and /tmp as the only place to write."""
    container = request()["containerDefinitions"][0]
    assert container["user"] == "10001:10001"
    assert container["readonlyRootFilesystem"] is True
    assert container["linuxParameters"] == {"capabilities": {"drop": ["ALL"]}, "initProcessEnabled": True}
    assert container["mountPoints"] == [{"sourceVolume": "tmp", "containerPath": "/tmp", "readOnly": False}]
    assert request()["volumes"] == [{"name": "tmp"}]
    assert container["stopTimeout"] == 30
    assert "healthCheck" not in container


def test_it_is_fargate_by_digest() -> None:
    """What was tested is what runs: the image is named by digest, sizes come from the tfvars."""
    made = request()
    assert made["containerDefinitions"][0]["image"] == REFERENCE
    assert (made["requiresCompatibilities"], made["networkMode"]) == (["FARGATE"], "awsvpc")
    assert (made["cpu"], made["memory"]) == ("256", "512")
    assert made["containerDefinitions"][0]["portMappings"] == [{"containerPort": 8080, "protocol": "tcp"}]


def test_it_is_tagged_as_everything_of_its_environment_is() -> None:
    """And with what it was registered for."""
    tags = {tag["key"]: tag["value"] for tag in request(Color.GREEN)["tags"]}
    release = values.release(Color.GREEN)
    own = {"release": release.id, "commit": release.commit, "color": "green"}
    assert {**values.environment().tags, **own} == tags


def test_later_layers_of_variables_win() -> None:
    """Our times, Terraform's values, then the tfvars', then the color's, then what names the release."""
    seen = {entry["name"]: entry["value"] for entry in request(Color.GREEN)["containerDefinitions"][0]["environment"]}
    assert seen == {
        **VARIABLES,
        "AWS_REGION": "ap-south-1",
        "LOG_LEVEL": "info",
        "BACKEND_URL": "http://indivillage-dev-internal.alb.localhost:8082",
        "ENVIRONMENT": "dev",
        "RELEASE": "dev-20260102T030405Z-0123456",
        "COMMIT": values.COMMIT,
        "COLOR": "green",
        "IMAGE_DIGEST": DIGEST,
    }


def test_secrets_are_references_never_values() -> None:
    """ECS resolves secrets when a task starts; the definition holds only where they are."""
    container = request()["containerDefinitions"][0]
    arn = values.service_topology().secrets["BASIC_AUTH"]
    assert container["secrets"] == [{"name": "BASIC_AUTH", "valueFrom": arn}]


def test_a_name_given_twice_is_refused() -> None:
    """ECS would refuse it too, but only after half of the release was done."""
    environment = values.environment()
    service = replace(environment.services["frontend"], environment={"BASIC_AUTH": "user:password"})
    with pytest.raises(InputError) as caught:
        build(values.release(), service, values.service_topology(), environment, REFERENCE)
    assert "BASIC_AUTH" in str(caught.value)
    assert "terraform.tfvars" in caught.value.hint


def test_the_same_release_gives_the_same_request() -> None:
    """Registering again after a crash must not look like a change."""
    assert request() == request()
    assert request(Color.BLUE) != request(Color.GREEN)


def test_a_definition_is_recognised_by_release_color_and_image() -> None:
    """Any other release, color or image is another revision."""
    made: Any = {"containerDefinitions": request()["containerDefinitions"]}
    release = values.release()
    assert is_of(made, release, "frontend", REFERENCE)
    assert not is_of(made, replace(release, id="dev-other"), "frontend", REFERENCE)
    assert not is_of(made, replace(release, color=Color.GREEN), "frontend", REFERENCE)
    assert not is_of(made, release, "frontend", REFERENCE.replace("ab", "cd"))
    assert not is_of(made, release, "backend", REFERENCE)


def test_a_placeholder_has_no_labels() -> None:
    """Terraform's placeholder names no release."""
    assert labels({"containerDefinitions": [{"name": "placeholder", "image": "x"}]}, "frontend") == {}


def test_log_streams_are_named_as_awslogs_names_them() -> None:
    """`<prefix>/<container>/<task id>`, in the service's log group."""
    made: Any = {"containerDefinitions": request()["containerDefinitions"]}
    task = "arn:aws:ecs:ap-south-1:000000000000:task/indivillage-dev/0a1b2c"
    expected = ("/indivillage/dev/frontend", "blue/frontend/0a1b2c")
    assert log_stream(made, "frontend", task) == expected
    assert log_stream(made, "sidecar", task) is None


def test_content_is_all_but_the_release_s_name() -> None:
    """Two releases of the same are alike; another color, image, commit or size is something else."""
    environment = values.environment()
    release, frontend, place = values.release(), environment.services["frontend"], values.service_topology()

    def made(release: Release = release, service: Service = frontend, image: str = REFERENCE) -> str:
        found = content(build(release, service, place, environment, image), "frontend")
        assert 64 == len(found)
        return found

    assert made() == made(values.release(id_="another"))
    others = [
        made(values.release(Color.GREEN)),
        made(replace(release, commit="f" * 40)),
        made(service=replace(frontend, memory=1024)),
        made(service=replace(frontend, environment={"LOG_LEVEL": "debug"})),
        made(image=REFERENCE.replace("ab", "cd")),
    ]
    assert len({made(), *others}) == 6
    assert "" == content({"containerDefinitions": [{"name": "frontend"}]}, "frontend")
