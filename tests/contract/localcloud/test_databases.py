"""A database is found by its resource id, and one that is deleted is gone with its data."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from localcloud.cloud import LocalCloud
from localcloud.names import LABEL
from tests.contract.localcloud.stand import Stand, wait_for

NAME = "shortlived"


def create(rds: Any, password: str) -> None:
    """Make the instance and wait until it can be used."""
    rds.create_db_instance(
        DBInstanceIdentifier=NAME, Engine="postgres", EngineVersion="15", DBInstanceClass="db.t4g.micro",
        AllocatedStorage=20, MasterUsername="someone", MasterUserPassword=password, DBName="things",
    )  # fmt: skip
    wait_for(
        lambda: [one for one in rds.describe_db_instances()["DBInstances"]
                 if one["DBInstanceIdentifier"] == NAME and one["DBInstanceStatus"] == "available"],
        "the database",
    )  # fmt: skip


def gone(rds: Any) -> bool:
    """Whether nobody knows the instance any more."""
    try:
        rds.describe_db_instances(DBInstanceIdentifier=NAME)
    except ClientError:
        return True
    return False


def of_resource(rds: Any, resource: str) -> list[str]:
    """The names of the instances with this resource id."""
    found = rds.describe_db_instances(Filters=[{"Name": "dbi-resource-id", "Values": [resource]}])
    return [one["DBInstanceIdentifier"] for one in found["DBInstances"]]


def volumes(cloud: LocalCloud) -> list[str]:
    """The volumes of the instance."""
    mine = cloud._engine.volumes.list(filters={"label": f"{LABEL}={cloud.name}"})
    return [volume.name for volume in mine if NAME in volume.name]


def test_deleted_database_takes_its_data_along(cloud: LocalCloud, running: object) -> None:
    """Another of the same name starts empty, with a password of its own."""
    rds = Stand(cloud.status().endpoint_url, 0, "").client("rds")
    create(rds, "the-first-password")
    resource = rds.describe_db_instances(DBInstanceIdentifier=NAME)["DBInstances"][0]["DbiResourceId"]
    assert ([NAME], []) == (of_resource(rds, resource), of_resource(rds, f"{resource}X"))
    before = volumes(cloud)
    rds.delete_db_instance(DBInstanceIdentifier=NAME, SkipFinalSnapshot=True)
    wait_for(lambda: gone(rds), "the end of the database")
    after = volumes(cloud)
    create(rds, "the-second-password")
    rds.delete_db_instance(DBInstanceIdentifier=NAME, SkipFinalSnapshot=True)

    assert (1, []) == (len(before), after)
