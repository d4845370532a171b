"""What local development asks of the cloud: secrets by reference, buckets of its own, logs by time."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from deployer.aws.dev_stores import DevStores
from deployer.aws.log_events import LogEvents
from deployer.model import Secret
from deployer.tools.clock import SystemClock

if TYPE_CHECKING:
    from deployer.aws.session import Session


def test_a_secret_is_read_as_a_task_definition_names_it(session: Session) -> None:
    """By ARN and key; ARNs end in a suffix that the cloud chooses."""
    name = f"indivillage-{session.environment.short_name}/database"
    made = session.secretsmanager.create_secret(Name=name, SecretString='{"username": "u", "password": "p"}')

    assert Secret("p") == DevStores(session).secret(f"{made['ARN']}:password::")


def test_a_bucket_is_made_once(session: Session) -> None:
    """The second time it is there."""
    bucket = f"indivillage-{session.environment.short_name}-forms"
    stores = DevStores(session)
    stores.ensure_bucket(bucket)
    stores.ensure_bucket(bucket)

    assert bucket in {found["Name"] for found in session.s3.list_buckets()["Buckets"]}


def test_logs_of_two_groups_are_one_stream(session: Session) -> None:
    """In order of time, from a moment on, with ids that stay; a group that is not there yet has no lines."""
    now = SystemClock().now()
    groups = {name: f"/indivillage/{session.environment.short_name}/{name}" for name in ("backend", "frontend", "none")}
    for service, seconds in (("backend", (-90, -30, -10)), ("frontend", (-20,))):
        session.logs.create_log_group(logGroupName=groups[service])
        session.logs.create_log_stream(logGroupName=groups[service], logStreamName="blue/a/1")
        session.logs.put_log_events(
            logGroupName=groups[service],
            logStreamName="blue/a/1",
            logEvents=[
                {"timestamp": int((now + timedelta(seconds=s)).timestamp() * 1000), "message": f"{service} {s}"}
                for s in seconds
            ],
        )
    events = LogEvents(session, groups, SystemClock())
    lines = list(events.since(now - timedelta(seconds=60)))

    assert ["backend -30", "frontend -20", "backend -10"] == [line.message for line in lines]
    assert [line.id for line in lines] == [line.id for line in events.since(now - timedelta(seconds=60))]
