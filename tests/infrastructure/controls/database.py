"""RDS."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tests.infrastructure.controls import control, each
from tests.infrastructure.controls.compute import PROTECTED
from tests.infrastructure.controls.found import Found

INSTANCE = "aws_db_instance"
DEFAULT_PORT = 5432
RETENTION_DAYS = 30


def instances(things: Sequence[Found], attribute: str, *wanted: object) -> list[str]:
    """Name the instances whose attribute is none of these."""
    return each(things, INSTANCE, lambda found: found.is_(attribute, *wanted))


def settings(things: Sequence[Found], name: str, wanted: object) -> list[str]:
    """Name the environments whose tfvars say something else about the database."""
    files = [found for found in things if found.kind == "tfvars"]
    return [f"{found.module} database.{name}" for found in files if found.values["database"][name] != wanted]


@control("RDS.2")
def private(things: Sequence[Found]) -> list[str]:
    """Instances have no public address."""
    return instances(things, "publicly_accessible", False)


@control("RDS.3")
def encrypted(things: Sequence[Found]) -> list[str]:
    """Instances are encrypted."""
    return instances(things, "storage_encrypted", True)


@control("RDS.4")
def snapshots_encrypted(things: Sequence[Found]) -> list[str]:
    """Snapshots are as encrypted as their instance, and are kept in vaults that have a key."""
    copied = [found for found in things if found.kind == "aws_db_snapshot_copy"]
    copies = [found.where for found in copied if not found.values.get("kms_key_id")]
    vaults = each(things, "aws_backup_vault", lambda found: bool(found.values.get("kms_key_arn")))
    return copies + vaults + instances(things, "storage_encrypted", True)


@control("RDS.5")
def two_zones(things: Sequence[Found]) -> list[str]:
    """A second instance in another zone takes over."""
    return instances(things, "multi_az", True, "${var.database.multi_az}") + settings(things, "multi_az", True)


@control("RDS.6")
def watched(things: Sequence[Found]) -> list[str]:
    """The operating system's metrics are there."""
    return instances(things, "monitoring_interval", 60, "${var.enhanced_monitoring ? 60 : null}")


@control("RDS.8")
def protected(things: Sequence[Found]) -> list[str]:
    """Instances refuse to be deleted."""
    return instances(things, "deletion_protection", *PROTECTED)


@control("RDS.9")
def logs_kept(things: Sequence[Found]) -> list[str]:
    """PostgreSQL's logs go to CloudWatch."""

    def holds(found: Found) -> bool:
        exported = re.findall(r"\w+", str(found.values["enabled_cloudwatch_logs_exports"]))
        return {"postgresql", "upgrade"} <= set(exported)

    return each(things, INSTANCE, holds)


@control("RDS.10")
def sign_in_by_role(things: Sequence[Found]) -> list[str]:
    """People can sign in as themselves."""
    return instances(things, "iam_database_authentication_enabled", True, "${var.iam_authentication ? true : null}")


@control("RDS.11")
def backed_up(things: Sequence[Found]) -> list[str]:
    """Automated backups are kept for 30 days (AWS asks for seven)."""
    expression = "${var.database.backup_retention_days}"
    wrong = instances(things, "backup_retention_period", RETENTION_DAYS, expression)
    return wrong + settings(things, "backup_retention_days", RETENTION_DAYS)


@control("RDS.13")
def minor_upgrades(things: Sequence[Found]) -> list[str]:
    """Minor versions come by themselves."""
    return instances(things, "auto_minor_version_upgrade", True)


@control("RDS.17")
def tagged_snapshots(things: Sequence[Found]) -> list[str]:
    """Snapshots bear the instance's tags."""
    return instances(things, "copy_tags_to_snapshot", True)


def told(things: Sequence[Found], source: str, *wanted: str) -> list[str]:
    """Say so when nobody hears of these events of `source`."""
    subscriptions = [found for found in things if found.kind == "aws_db_event_subscription"]
    heard = {
        category
        for found in subscriptions
        if found.values["source_type"] in (source, "${each.key}") and found.values.get("enabled") is not False
        for category in _categories(found, source)
    }
    return [f"nobody hears of {source}: {category}" for category in wanted if category not in heard]


def _categories(found: Found, source: str) -> list[str]:
    if found.planned:
        return list(found.values["event_categories"])
    # Before, the local that a subscription's for_each names says them: source type = [categories].
    lists = re.findall(rf"{source}=\[(.*?)\]", found.text("for_each"))
    return re.findall(r'"([^"]+)"', " ".join(lists))


@control("RDS.20")
def instance_events(things: Sequence[Found]) -> list[str]:
    """People hear of maintenance, changes and failures of instances."""
    return told(things, "db-instance", "maintenance", "configuration change", "failure")


@control("RDS.21")
def parameter_events(things: Sequence[Found]) -> list[str]:
    """People hear of changed parameters."""
    return told(things, "db-parameter-group", "configuration change")


@control("RDS.22")
def group_events(things: Sequence[Found]) -> list[str]:
    """People hear of changed and failed security groups."""
    return told(things, "db-security-group", "configuration change", "failure")


@control("RDS.23")
def unusual_port(things: Sequence[Found]) -> list[str]:
    """On AWS PostgreSQL does not stand at its usual port."""
    ports = [found for found in things if found.kind == "local" and found.name == "database_port"]
    on_aws = {found.where: re.findall(r": (\d+)", str(found.values["value"])) for found in ports}
    usual = [where for where, port in on_aws.items() if port in ([], [str(DEFAULT_PORT)])]
    return usual + each(things, INSTANCE, lambda found: not found.is_("port", DEFAULT_PORT))


@control("RDS.25")
def own_administrator(things: Sequence[Found]) -> list[str]:
    """The administrator has no name that everybody knows."""
    known = ("postgres", "admin")
    names = [found for found in things if found.where == "modules/database variable.username"]
    usual = [found.where for found in names if found.values.get("default") in known]
    return usual + each(things, INSTANCE, lambda found: not found.is_("username", *known))
