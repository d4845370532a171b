"""Task definitions and desired counts: what needs no running container, on both clouds."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from deployer.aws.ecs import Ecs
from deployer.aws.elbv2 import Elbv2
from deployer.aws.task_definition import content
from deployer.aws.topology import parse
from deployer.errors import InputError
from deployer.model import Color
from tests.unit.aws import values

if TYPE_CHECKING:
    from deployer.tools.clock import SystemClock
    from tests.contract.aws.stand_in import StandIn

REFERENCE = "localhost:4566/indivillage/frontend@sha256:" + "ab" * 32


@pytest.fixture
def compute(applied: StandIn, clock: SystemClock) -> Ecs:
    """Return the compute of an environment as Terraform leaves it."""
    topology = applied.topology
    return Ecs(applied.session, lambda: topology, Elbv2(applied.session, lambda: topology), clock)


def test_terraforms_placeholder_is_nothing_wanted(compute: Ecs) -> None:
    """Before the first deploy, and in the idle color."""
    live = compute.live("frontend", Color.GREEN)
    assert (live.task_definition, live.desired, live.running, live.release, live.digest) == (None, 0, 0, "", "")


def test_a_revision_is_registered_once_for_a_release(applied: StandIn, compute: Ecs) -> None:
    """A run that was cut off finds what it had made; another color or release is another revision."""
    release = values.release(id_="r-once")
    first = compute.register(release, "frontend", REFERENCE)
    again = Ecs(applied.session, lambda: applied.topology, compute._traffic, compute._clock)
    assert first == again.register(release, "frontend", REFERENCE)
    assert first != compute.register(values.release(Color.GREEN, "r-once"), "frontend", REFERENCE)
    assert first != compute.register(values.release(id_="r-next"), "frontend", REFERENCE)


def test_a_rollback_takes_the_revision_that_it_goes_back_to(applied: StandIn, compute: Ecs) -> None:
    """It was registered some releases ago; but what would be described otherwise today is registered anew."""
    first = compute.register(values.release(id_="r-good"), "frontend", REFERENCE)
    for number in range(4):
        compute.register(values.release(id_=f"r-later-{number}"), "frontend", REFERENCE)
    back = replace(values.release(id_="rollback-1"), kind="rollback", restores="r-good")
    services = applied.topology.services
    changed = {**services, "frontend": replace(services["frontend"], environment={"TODAY": "otherwise"})}
    topology = replace(applied.topology, services=changed)
    today = Ecs(applied.session, lambda: topology, compute._traffic, compute._clock)

    assert first == compute.register(back, "frontend", REFERENCE)
    assert first != today.register(back, "frontend", REFERENCE)


def test_ecs_keeps_the_hash_of_the_content(applied: StandIn, compute: Ecs) -> None:
    """What runs can be compared with what would be registered, whatever ECS fills in by itself."""
    release = values.release(id_="r-content")
    arn = compute.register(release, "frontend", REFERENCE)
    kept = applied.session.ecs.describe_task_definition(taskDefinition=arn)["taskDefinition"]
    assert content(kept, "frontend") == compute.content(values.release(id_="another"), "frontend", REFERENCE)
    assert content(kept, "frontend") != compute.content(values.release(Color.GREEN), "frontend", REFERENCE)


def test_what_ecs_keeps_is_what_was_described(applied: StandIn, compute: Ecs) -> None:
    """User, read-only root, dropped capabilities, secrets by reference and the release's tags survive the call."""
    arn = compute.register(values.release(id_="r-kept"), "frontend", REFERENCE)
    answer = applied.session.ecs.describe_task_definition(taskDefinition=arn, include=["TAGS"])
    kept = answer["taskDefinition"]
    container = kept["containerDefinitions"][0]
    assert (container["user"], container["readonlyRootFilesystem"]) == ("10001:10001", True)
    assert container["linuxParameters"]["capabilities"]["drop"] == ["ALL"]
    assert [secret["name"] for secret in container["secrets"]] == ["BASIC_AUTH"]
    assert (kept["family"], kept["networkMode"]) == (applied.topology.services["frontend"].family, "awsvpc")
    assert {"key": "release", "value": "r-kept"} in answer["tags"]


def test_the_schedule_runs_the_newest_image_and_no_other_is_left(applied: StandIn, compute: Ecs) -> None:
    """The first, the same again, another: the family's only active revision is the last one asked for."""
    assert applied.topology.reconciler is not None
    family = applied.topology.reconciler.family
    ecs = applied.session.ecs

    assert [True, False] == [compute.schedule(REFERENCE), compute.schedule(REFERENCE)]
    other = REFERENCE.replace("ab", "cd")
    assert [True, False] == [compute.schedule(other), compute.schedule(other)]

    active = ecs.list_task_definitions(familyPrefix=family, status="ACTIVE")["taskDefinitionArns"]
    meant = ecs.describe_task_definition(taskDefinition=family)["taskDefinition"]
    assert [meant["taskDefinitionArn"]] == active
    assert other == meant["containerDefinitions"][0]["image"]


def test_an_environment_without_a_reconciler_says_so(applied: StandIn, clock: SystemClock) -> None:
    """It has one color, or was applied from an older checkout."""
    plain = parse(json.dumps({**applied.document, "reconciler": None}), "p")
    compute = Ecs(applied.session, lambda: plain, Elbv2(applied.session, lambda: plain), clock)

    with pytest.raises(InputError, match="has none"):
        compute.schedule(REFERENCE)


def test_a_service_that_is_not_there_is_an_input_error(applied: StandIn, clock: SystemClock) -> None:
    """With the command that makes it, not a traceback."""
    document = json.loads(json.dumps(applied.document))
    document["services"]["frontend"]["colors"]["blue"]["service"] = "nowhere"
    topology = parse(json.dumps(document), "p")
    compute = Ecs(applied.session, lambda: topology, Elbv2(applied.session, lambda: topology), clock)
    with pytest.raises(InputError) as caught:
        compute.live("frontend", Color.BLUE)
    assert "nowhere" in caught.value.attempted
    assert "inv apply" in caught.value.hint


def test_nothing_has_stopped_of_a_revision_that_never_ran(compute: Ecs) -> None:
    """No task, no explanation."""
    definition = compute.register(values.release(id_="r-idle"), "backend", REFERENCE)
    assert compute.stopped("backend", definition) == ()
