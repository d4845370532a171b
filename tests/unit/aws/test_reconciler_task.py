"""The reconciler's task definition: locked down, without a secret, the same for the same image."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deployer.aws.reconciler_task import CONTAINER, build
from deployer.aws.task_definition import content
from deployer.model import ReconcilerTopology
from tests.unit.aws import values

PLACE = ReconcilerTopology("indivillage/deployer", "indivillage-dev-reconciler", "arn:e", "arn:t", "/indivillage/dev/r")
REFERENCE = "localhost:4566/indivillage/deployer@sha256:" + "ab" * 32


def test_it_runs_the_reconciler_of_its_environment_on_its_cloud() -> None:
    """Nothing is asked of the container's surroundings; on AWS it is told so."""
    (local,) = build(PLACE, values.environment("staging"), REFERENCE)["containerDefinitions"]
    (aws,) = build(PLACE, values.environment("prod", cloud="aws"), REFERENCE)["containerDefinitions"]

    command = ["python3", "-m", "deployer.reconciler"]
    assert [*command, "--env=staging", "--cloud=local"] == local["command"]
    assert [*command, "--env=prod", "--cloud=aws"] == aws["command"]


def test_it_is_locked_down_and_holds_no_secret() -> None:
    """A numeric user, a read-only root, no capability, no variable at all."""
    (container,) = build(PLACE, values.environment(), REFERENCE)["containerDefinitions"]

    assert ("10001:10001", True) == (container["user"], container["readonlyRootFilesystem"])
    assert ["ALL"] == container["linuxParameters"]["capabilities"]["drop"]
    assert set() == {"environment", "secrets", "portMappings"} & set(container)


def test_it_is_tagged_as_everything_of_its_environment_is() -> None:
    """The hash leaves them out: another owner is no other task."""
    environment = values.environment()
    request = build(PLACE, environment, REFERENCE)
    renamed = build(PLACE, replace(environment, tags={**environment.tags, "owner": "others"}), REFERENCE)

    assert environment.tags == {tag["key"]: tag["value"] for tag in request["tags"]}
    assert content(request, CONTAINER) == content(renamed, CONTAINER)


def test_roles_and_log_are_terraforms() -> None:
    """As the topology names them."""
    request = build(PLACE, values.environment(), REFERENCE)
    (container,) = request["containerDefinitions"]

    assert ("indivillage-dev-reconciler", "arn:e", "arn:t") == (
        request["family"],
        request["executionRoleArn"],
        request["taskRoleArn"],
    )
    assert "/indivillage/dev/r" == container["logConfiguration"]["options"]["awslogs-group"]


@pytest.mark.parametrize("change", ["image", "place", "environment"])
def test_the_hash_tells_what_changed(change: str) -> None:
    """Else the newest revision is it already."""
    environment = values.environment()
    first = content(build(PLACE, environment, REFERENCE), CONTAINER)
    other = {
        "image": build(PLACE, environment, REFERENCE.replace("ab", "cd")),
        "place": build(replace(PLACE, log_group="/elsewhere"), environment, REFERENCE),
        "environment": build(PLACE, values.environment("staging"), REFERENCE),
    }[change]

    assert first
    assert first == content(build(PLACE, environment, REFERENCE), CONTAINER)
    assert first != content(other, CONTAINER)
