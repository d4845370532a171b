"""The provider itself plans production on AWS, with nothing there yet: no mock says what it wants to hear."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from itertools import zip_longest
from pathlib import Path
from typing import Any

from tests.infrastructure.conftest import Terraform
from tests.infrastructure.controls.found import Found, planned
from tests.infrastructure.test_controls import broken, mocked_plan

PROVIDER = """
provider "aws" {{{alias}
  access_key                  = "nobody"
  secret_key                  = "nothing"
  allowed_account_ids         = null
  skip_credentials_validation = true
  skip_metadata_api_check     = "true"
  skip_requesting_account_id  = true
}}
"""
"""Asks AWS for nothing: a plan of what is not there has no need to."""

OFFLINE = 'terraform {\n  backend "local" {}\n}\n' + "".join(
    PROVIDER.format(alias=alias) for alias in ("", '\n  alias = "replica"', '\n  alias = "edge"')
)

VARIABLES = """
account_id = "123456789012"
dns        = { zone = "indivillage.com", create_zone = true, health_check = true }
cdn        = { enabled = true, restrict_origin = false }
"""
"""What spares the plan the two things that it would look up: the zone, and CloudFront's addresses."""


PLAN = "cold.tfplan"

ONCE_AN_ACCOUNT = {"ECR.3", "S3.1"}
"""Development's to keep, and its repositories want Cloud Control's schema, which AWS alone has."""

BROKEN = [
    ("CloudWatch.17", "aws_cloudwatch_metric_alarm", "actions_enabled", False),
    ("ECS.2", "aws_ecs_service", "network_configuration", [{"assign_public_ip": True}]),
    ("ELB.4", "aws_lb", "drop_invalid_header_fields", False),
    ("ELB.6", "aws_lb", "enable_deletion_protection", False),
    ("KMS.4", "aws_kms_key", "enable_key_rotation", False),
    ("RDS.2", "aws_db_instance", "publicly_accessible", True),
    ("RDS.3", "aws_db_instance", "storage_encrypted", False),
    ("RDS.5", "aws_db_instance", "multi_az", False),
    ("RDS.8", "aws_db_instance", "deletion_protection", False),
    ("RDS.10", "aws_db_instance", "iam_database_authentication_enabled", False),
    ("RDS.11", "aws_db_instance", "backup_retention_period", 3),
    ("RDS.13", "aws_db_instance", "auto_minor_version_upgrade", False),
    ("RDS.17", "aws_db_instance", "copy_tags_to_snapshot", False),
    ("RDS.23", "aws_db_instance", "port", 5432),
    ("S3.8", "aws_s3_bucket_public_access_block", "block_public_acls", False),
    ("S3.12", "aws_s3_bucket_ownership_controls", "rule", [{"object_ownership": "ObjectWriter"}]),
    ("SNS.1", "aws_sns_topic", "kms_master_key_id", None),
]
"""Control, and what the provider would be told if it were broken."""


def cold_plan(folder: Path, terraform: Terraform) -> tuple[int, str]:
    """Plan production in a copy of the configuration: the exit code, and what Terraform said."""
    (folder / "offline_override.tf").write_text(OFFLINE, encoding="utf-8")
    (folder / "cold.tfvars").write_text(VARIABLES, encoding="utf-8")
    initialised = terraform("init", "-input=false", "-no-color", cwd=folder)
    assert initialised.returncode == 0, initialised.stdout
    files = [f"-var-file={file}" for file in ("environments/production/terraform.tfvars", "cold.tfvars")]
    options = ("-input=false", "-no-color", "-refresh=false", "-lock=false", f"-out={PLAN}")
    planned = terraform("plan", *options, *files, cwd=folder)
    return planned.returncode, planned.stdout


def test_production_can_be_planned_where_nothing_is(testable: Path, terraform: Terraform) -> None:
    """Keys are known before anything is made, the provider's own checks of what goes together hold, and the controls.

    What AWS alone will know is as the mocked plan has it: policies hold ARNs.
    """
    code, said = cold_plan(testable, terraform)
    assert code == 0, said[-3000:]
    assert re.search(r"^Plan: [1-9]\d\d to add, 0 to change, 0 to destroy\.$", said, re.MULTILINE)
    shown = terraform("show", "-json", PLAN, cwd=testable).stdout
    plan = json.loads(next(line for line in shown.splitlines() if line.startswith("{")))
    complete(plan, mocked_plan("production", testable, terraform))
    things = list(planned("production", plan))
    assert set(broken(things)) == ONCE_AN_ACCOUNT
    unnoticed = [case[0] for case in BROKEN if case[0] not in broken([spoilt(found, *case[1:]) for found in things])]
    assert unnoticed == []


def complete(plan: dict[str, Any], mocked: dict[str, Any]) -> None:
    """Give whatever is not known before the apply its value in the mocked plan."""
    there = {change["address"]: change["change"]["after"] for change in mocked["resource_changes"]}
    for made in plan["resource_changes"]:
        change = made["change"]
        change["after"] = completed(change["after"], change["after_unknown"], there.get(made["address"]))


def completed(known: Any, unknown: Any, there: Any) -> Any:
    """`known` with what `unknown` marks taken from `there`, however deep."""
    if unknown is True:
        return there
    if isinstance(unknown, dict):
        given = there if isinstance(there, dict) else {}
        return known | {name: completed(known.get(name), part, given.get(name)) for name, part in unknown.items()}
    if isinstance(unknown, list) and unknown:
        given = there if isinstance(there, list) else []
        return [completed(*parts) for parts in zip_longest(known, unknown, given[: len(known)])]
    return known


def spoilt(found: Found, kind: str, attribute: str, value: object) -> Found:
    """The same with another value, where it is of this kind."""
    return replace(found, values={**found.values, attribute: value}) if found.kind == kind else found


def test_what_a_mocked_plan_would_not_notice_is_noticed(testable: Path, terraform: Terraform) -> None:
    """A cache that fails over to nobody, and a count that depends on an ARN which nobody knows yet."""
    breaks = {
        "database/cache.tf": ("num_cache_clusters         = var.cache.nodes", "num_cache_clusters         = 1"),
        "networking/main.tf": ("var.flow_logs == null", "var.flow_logs.bucket_arn == null"),
    }
    for name, (sound, broken_) in breaks.items():
        file = testable / "modules" / name
        text = file.read_text(encoding="utf-8")
        assert sound in text
        file.write_text(text.replace(sound, broken_), encoding="utf-8")
    code, said = cold_plan(testable, terraform)
    noticed = [words for words in ("automatic_failover", "Invalid count argument") if words in said]
    assert (code, noticed) == (1, ["automatic_failover", "Invalid count argument"]), said[-3000:]
