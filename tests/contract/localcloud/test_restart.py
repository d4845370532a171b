"""State survives a restart of the cloud's container, and its sudden death."""

from __future__ import annotations

import json
import urllib.request

import pytest
from botocore.exceptions import ClientError
from docker.errors import APIError

from localcloud.cloud import CloudImages, LocalCloud
from localcloud.names import STATUS_PATH
from tests.contract.localcloud.networks import Networks
from tests.contract.localcloud.stand import REGION, Stand, wait_for

PASSWORD = "of-no-importance"
ROWS = "select count(*) from kept"


@pytest.fixture(scope="module")
def database(cloud: LocalCloud, running: object) -> str:
    """An RDS instance; returns the name of its container."""
    rds = Stand(cloud.status().endpoint_url, 0, "").client("rds")
    rds.create_db_instance(
        DBInstanceIdentifier="kept", Engine="postgres", EngineVersion="15", DBInstanceClass="db.t4g.micro",
        AllocatedStorage=20, MasterUsername="someone", MasterUserPassword=PASSWORD, DBName="things",
    )  # fmt: skip
    found = wait_for(
        lambda: [one for one in rds.describe_db_instances()["DBInstances"] if one["DBInstanceStatus"] == "available"],
        "the database",
    )
    assert ("kept.rds.internal", 5432) == (found[0]["Endpoint"]["Address"], found[0]["Endpoint"]["Port"])
    return next(name for name, _ in cloud.status().containers if "-rds-" in name)


def sql(cloud: LocalCloud, container: str, statement: str) -> str | None:
    """Run STATEMENT in the database; None while it is not up."""
    command = ["psql", "-h", "kept.rds.internal", "-U", "someone", "-d", "things", "-qtAc", statement]
    try:
        done = cloud._engine.containers.get(container).exec_run(command, environment={"PGPASSWORD": PASSWORD})
    except APIError:  # it is gone, or not running yet
        return None
    return done.output.decode().strip() if done.exit_code == 0 else None


@pytest.mark.parametrize("end", ["restart", "kill"])
def test_everything_is_there_again(
    end: str, cloud: LocalCloud, cloud_images: CloudImages, stand: Stand, database: str, networks: Networks
) -> None:
    """Objects and their versions, images, rows, weights and running services; a lock is still held.

    Networks of tasks and spare ones are new, and none of before is left.
    """
    s3 = stand.client("s3")
    bucket = f"{stand.name}-bucket"
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    for content in (b"one", b"two"):
        s3.put_object(Bucket=bucket, Key="folder/file", Body=content)
    lock = s3.put_object(Bucket=bucket, Key="lock", Body=b"mine", IfNoneMatch="*")["ETag"]
    wait_for(lambda: sql(cloud, database, "create table if not exists kept (n serial)") is not None, "the database")
    assert "" == sql(cloud, database, "insert into kept default values")
    rows = sql(cloud, database, ROWS)
    assert rows != "0"
    stand.serve("blue")
    stand.shift(30, 70)
    weights = stand.elb.describe_listeners(ListenerArns=[stand.listener])["Listeners"][0]["DefaultActions"]
    stand.shift(100, 0)
    before = {task["taskArn"] for task in stand.tasks("blue")}
    wait_for(lambda: saved(stand.endpoint), "the state to be saved")
    wait_for(networks.quiet, "the spare networks")
    former = networks.sandboxes()

    container = cloud._engine.containers.get(cloud.name)
    container.kill() if end == "kill" else container.restart(timeout=30)
    cloud.up(cloud_images)

    answers = wait_for(lambda: [one for one in [stand.get()] if one.status == 200], "the service to be back")
    assert "blue" == answers[0].text
    assert before.isdisjoint(task["taskArn"] for task in stand.tasks("blue"))
    wait_for(networks.quiet, "the spare networks to be there again")
    assert former.isdisjoint(networks.sandboxes())
    assert b"two" == s3.get_object(Bucket=bucket, Key="folder/file")["Body"].read()
    assert 2 == len(s3.list_object_versions(Bucket=bucket, Prefix="folder/")["Versions"])
    assert lock == s3.head_object(Bucket=bucket, Key="lock")["ETag"]
    with pytest.raises(ClientError, match="PreconditionFailed"):
        s3.put_object(Bucket=bucket, Key="lock", Body=b"yours", IfNoneMatch="*")
    assert rows == wait_for(lambda: sql(cloud, database, ROWS), "the database to be back")
    assert 1 == len(stand.client("ecr").describe_images(repositoryName="stand/app")["imageDetails"])
    stand.shift(30, 70)
    assert weights == stand.elb.describe_listeners(ListenerArns=[stand.listener])["Listeners"][0]["DefaultActions"]


def saved(endpoint: str) -> bool:
    """Whether the cloud at ENDPOINT says that a power cut would lose nothing."""
    with urllib.request.urlopen(f"{endpoint}{STATUS_PATH}") as answer:
        return bool(json.load(answer)["saved"])
