"""The scheduled reconciler in its own image, started by a rule of EventBridge: a deploy that was killed is settled.

On the local cloud alone, with real containers. The rule waits for an event instead of a minute to pass; its target is
what Terraform makes of it.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError

from deployer import config
from deployer.aws.ecr import Ecr
from deployer.aws.ecs import Ecs
from deployer.aws.elbv2 import Elbv2
from deployer.aws.lease import S3Lease
from deployer.aws.ledger import S3Ledger
from deployer.aws.session import LOCAL_ACCESS_KEY, LOCAL_SECRET_KEY, Session
from deployer.aws.state_bucket import StateBucket
from deployer.model import SERVICES, BuiltImage, Color, Image, Record, Verdict
from tests.contract.aws.stand_in import StandIn
from tests.contract.localcloud.stand import wait_for
from tests.examples import ROOT
from tests.unit.aws import values

if TYPE_CHECKING:
    from docker.models.images import Image as EngineImage

    from deployer.tools.clock import SystemClock
    from docker import DockerClient

BLUE, GREEN = Color.BLUE, Color.GREEN
GOOD, NEW = values.release(BLUE, "staging-good"), values.release(GREEN, "staging-new")
RULE = "reconciler-at-once"
LEASE_S = 8.0
"""A minute elsewhere: nobody wants to wait for it."""


@dataclass(frozen=True, slots=True)
class Left:
    """What a deploy that was killed left: `compute` and `traffic` of it, and the way to let the rule fire."""

    session: Session
    compute: Ecs
    traffic: Elbv2
    fire: Callable[[], object]
    log_group: str

    def said(self) -> list[dict[str, Any]]:
        """The lines of JSON of every run so far, in order."""
        events = self.session.logs.filter_log_events(logGroupName=self.log_group)["events"]
        return [json.loads(event["message"]) for event in events if event["message"].startswith("{")]

    def running(self) -> dict[str, list[int]]:
        """How many tasks each color runs, by service."""
        return {color: [self.compute.live(service, color).desired for service in SERVICES] for color in Color}


@pytest.fixture
def left(local_endpoint: str, app: EngineImage, engine: DockerClient, clock: SystemClock) -> Iterator[Left]:
    """Staging, GOOD in blue and known as such, NEW in green and never proven, with half of the traffic each."""
    session = Session(config.load(ROOT, "staging", "local"), endpoint_url=local_endpoint)
    stand_in = StandIn(session).apply()
    topology = stand_in.topology
    traffic = Elbv2(session, lambda: topology)
    compute = Ecs(session, lambda: topology, traffic, clock)
    events = boto3.client(
        "events",
        endpoint_url=local_endpoint,
        region_name=session.environment.region,
        aws_access_key_id=LOCAL_ACCESS_KEY,
        aws_secret_access_key=LOCAL_SECRET_KEY,
    )
    try:
        serve(session, compute, topology.services["frontend"].repository, app, engine)
        StateBucket(session).ensure()
        S3Ledger(session).write(Record.of(GOOD, Verdict.GOOD))
        S3Ledger(session).write(Record.of(NEW))
        traffic.set_weights({BLUE: 50, GREEN: 50})
        assert topology.reconciler is not None
        schedule(stand_in, compute, engine, events)
        fire = {"Source": RULE, "DetailType": "now", "Detail": "{}"}
        log_group = topology.reconciler.log_group
        yield Left(session, compute, traffic, lambda: events.put_events(Entries=[fire]), log_group)
    finally:
        with suppress(ClientError):  # it may not have come that far
            events.remove_targets(Rule=RULE, Ids=["reconciler"])
            events.delete_rule(Name=RULE)
        stand_in.destroy()


def serve(session: Session, compute: Ecs, repository: str, app: EngineImage, engine: DockerClient) -> None:
    """Both releases with one task of each service: four roll-outs at once."""
    registry = Ecr(session, lambda: engine)
    built = BuiltImage("frontend", app.tags[0], str(app.id), 0, cached=False)
    reference = registry.reference(registry.push(built, repository, ["app"], list[str]().append))

    def roll_out(release: Any, service: str) -> None:
        definition = compute.register(release, service, reference)
        compute.roll_out(service, release.color, definition, 1, 90, list[str]().append)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda each: roll_out(*each), [(release, s) for release in (GOOD, NEW) for s in SERVICES]))


def schedule(stand_in: StandIn, compute: Ecs, engine: DockerClient, events: Any) -> None:
    """The deployer's image into the registry, its task definition, and a rule with the target that Terraform makes."""
    session, topology = stand_in.session, stand_in.topology
    place = topology.reconciler
    assert place is not None
    session.ecr.create_repository(repositoryName=place.repository)
    session.logs.create_log_group(logGroupName=place.log_group)
    reference = os.environ["DEPLOYER_IMAGE"]
    built = BuiltImage("deployer", reference, str(engine.images.get(reference).id), 0, cached=False)
    registry = Ecr(session, lambda: engine)
    image: Image = registry.push(built, place.repository, ["test"], list[str]().append)
    assert compute.schedule(registry.reference(image))
    arn = f"arn:aws:ecs:{session.environment.region}:{session.environment.account_id}"
    events.put_rule(Name=RULE, EventPattern=json.dumps({"source": [RULE]}))
    network = {"Subnets": list(topology.subnets), "AssignPublicIp": "DISABLED"}
    target = {
        "Id": "reconciler",
        "Arn": f"{arn}:cluster/{topology.cluster}",
        "RoleArn": place.execution_role,
        "EcsParameters": {
            "TaskDefinitionArn": f"{arn}:task-definition/{place.family}",
            "LaunchType": "FARGATE",
            "TaskCount": 1,
            "NetworkConfiguration": {"awsvpcConfiguration": network},
        },
    }
    assert 0 == events.put_targets(Rule=RULE, Targets=[target])["FailedEntryCount"]


def granted() -> set[str]:
    """What Terraform lets the task do on AWS: the local cloud does not ask."""
    roles = (ROOT / "infrastructure/terraform/modules/reconciler/roles.tf").read_text(encoding="utf-8")
    policy = roles.partition('resource "aws_iam_role_policy" "task"')[2]
    return set(re.findall(r'"((?:s3|ssm|ecs|elasticloadbalancing):\w+)"', policy))


def action(operation: str) -> str:
    """The IAM action of an operation as the session counts it (Service Authorization Reference)."""
    service, _, name = operation.partition(".")
    lists = {"ListObjectsV2": "ListBucket", "ListObjectVersions": "ListBucketVersions"}
    return f"{service.replace('elastic-load-balancing-v2', 'elasticloadbalancing')}:{lists.get(name, name)}"


def test_a_deploy_that_was_killed_and_never_restarted_is_settled(left: Left, clock: SystemClock) -> None:
    """Who renews the lease is left alone; when it ends all traffic goes to the good color, and the lease is given back.

    As a rule the second look begins before the lease's end, and there is no third.
    """
    killed = S3Lease(left.session, clock, StateBucket(left.session), ttl_s=LEASE_S, renew_every_s=1)
    held = killed.acquire("ann", NEW.id)

    left.fire()
    (first,) = wait_for(left.said, "the reconciler's first word")
    assert ("held", 0) == (first["outcome"], first["exit_code"]), first
    assert {BLUE: 50, GREEN: 50} == left.traffic.weights()

    killed._stop.set()  # kill -9: renewed no more, never given back
    assert killed._thread is not None
    killed._thread.join()
    left.fire()
    wait_for(lambda: left.traffic.weights() == {BLUE: 100, GREEN: 0}, "the traffic to be back")
    (_, second) = wait_for(lambda: left.said() if len(left.said()) == 2 else None, "its second word")
    assert ("settled", 0) == (second["outcome"], second["exit_code"]), second
    assert "all traffic to blue" in second["note"]
    assert set() == {action(operation) for operation in second["aws_calls"]} - granted(), "its role does not allow it"
    assert {BLUE: [1, 1], GREEN: [0, 0]} == left.running()
    assert GREEN is left.traffic.test_color()

    after = S3Lease(left.session, clock, StateBucket(left.session))
    assert None is after.unfinished(), "it gave the lease back"
    assert held.fencing + 2 == after.acquire("ben", "").fencing, "it took it once"
    after.release()
