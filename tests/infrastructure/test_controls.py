"""AWS's security controls: each is tested, or docs/infrastructure/controls.md says why it does not apply."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from deployer.aws import task_definition
from deployer.model import Color
from tests.infrastructure import permitted
from tests.infrastructure.conftest import CONFIGURATION, ROOT, Terraform
from tests.infrastructure.controls import (
    CHECKS,
    breaks,
    compute,
    database,
    edge,
    edge_breaks,
    identity,
    identity_breaks,
    storage,
    watching,
    watching_breaks,
)
from tests.infrastructure.controls.breaks import Break
from tests.infrastructure.controls.found import Found, configured, planned
from tests.unit.aws import values

ENVIRONMENTS = ("development", "staging", "production")
MODULES = (compute, database, edge, identity, storage, watching)
BREAKS = [*breaks.BREAKS, *edge_breaks.BREAKS, *identity_breaks.BREAKS, *watching_breaks.BREAKS]
PAGE = ROOT / "docs" / "infrastructure" / "controls.md"

WANTED = {
    f"{service}.{number}"
    for service, numbers in {
        "ECR": (1, 2, 3),
        "ECS": (1, 2, 3, 4, 5, 8, 9, 10, 12, 16),
        "ELB": (1, 4, 5, 6, 12, 13, 17),
        "RDS": (2, 3, 4, 5, 6, 8, 9, 10, 11, 13, 17, 19, 20, 21, 22, 23, 25),
        "S3": (1, 2, 3, 5, 6, 8, 9, 12, 13),
        "CloudFront": (1, 3, 4, 5, 6, 7, 8, 9, 10, 12, 13),
        "WAF": (10, 11, 12),
        "IAM": (1, 21),
        "KMS": (1, 2, 3, 4, 5),
        "SecretsManager": (1, 2, 3, 4),
        "CloudWatch": (15, 16, 17),
        "SNS": (1, 4),
    }.items()
    for number in numbers
}
"""What networking, compute, database, storage, the edge and their keys and secrets are held to."""

EXCEPTIONS = [
    ("CloudFront.4", r"^(development|staging):"),
    ("ELB.1", r"modules?[/.]compute aws_lb_listener\.internal"),
    ("ELB.6", r"^development:"),
    ("KMS.1", r"module\.security aws_iam_policy\.boundary|modules/security aws_iam_policy\.boundary"),
    ("KMS.3", r"^development:"),
    ("RDS.5", r"^development:|^environments/development "),
    ("RDS.8", r"^development:"),
    ("SecretsManager.1", r"^modules/security/generated_secret "),
    ("S3.9", r"module\.replica|module\.page_copy"),
    ("S3.9", r"module\.storage\.module\.buckets aws_s3_bucket\.this\[logs\]"),
]
"""Control and where it does not hold; the page says why."""

INSTANCE = {"mode": "managed", "module_address": "module.database", "type": "aws_db_instance", "name": "this"}
GRAFANA = "production:module.monitoring aws_grafana_workspace.this[0]"
"""The one workspace of the account."""

RUN = """
mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

mock_provider "aws" {
  alias           = "replica"
  source          = "./tests/mocks"
  override_during = plan
}

mock_provider "aws" {
  alias           = "edge"
  source          = "./tests/mocks/edge"
  override_during = plan
}

variables {
  cloud      = "aws"
  account_id = "123456789012"
}

run "plan" {
  command = plan
}
"""


def broken(things: list[Found]) -> dict[str, list[str]]:
    """Control -> what breaks it, without what is excepted."""
    found = {
        control: [where for where in check(things) if not excepted(control, where)] for control, check in CHECKS.items()
    }
    return {control: wheres for control, wheres in found.items() if wheres}


def excepted(control: str, where: str) -> bool:
    """Whether the page excuses it."""
    return any(control == name and re.search(pattern, where) for name, pattern in EXCEPTIONS)


def table(heading: str) -> dict[str, str]:
    """The page's table below `heading`: first column -> last column."""
    section = PAGE.read_text(encoding="utf-8").split(f"## {heading}\n")[1].split("\n## ")[0]
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line.startswith("| ")
    ]
    return {row[0]: row[-1] for row in rows if "." in row[0]}


def test_the_configuration_holds() -> None:
    """As it is written, nothing breaks a control."""
    assert broken(configured(CONFIGURATION)) == {}


@pytest.mark.parametrize("case", BREAKS, ids=[f"{number}-{case.control}" for number, case in enumerate(BREAKS)])
def test_a_broken_control_is_noticed(case: Break) -> None:
    """The control's own check names what was made unsafe."""
    text = (CONFIGURATION / case.file).read_text(encoding="utf-8")
    assert case.sound in text
    changed = text.replace(case.sound, case.broken) if case.sound else text + case.broken
    things = configured(CONFIGURATION, {case.file: changed})
    wheres = [where for where in CHECKS[case.control](things) if not excepted(case.control, where)]
    assert wheres


def test_the_plans_of_all_environments_hold(testable: Path, terraform: Terraform) -> None:
    """On AWS every expression becomes what its control asks for, the deployer's task definitions too."""
    initialised = terraform("init", "-backend=false", "-input=false", "-no-color", cwd=testable)
    assert initialised.returncode == 0, initialised.stdout
    things = [deployed()]
    for environment in ENVIRONMENTS:
        things += planned(environment, mocked_plan(environment, testable, terraform))
    assert broken(things) == {}
    assert [found.where for found in things if "0.0.0.0/0" in addresses(found)] == []
    assert identity.unbounded(things) == []
    assert permitted.lacking(things) == []
    assert watching.strange_gates(things) == []
    assert list(watching.unwatched(things)) == []
    assert [found.where for found in things if found.kind == "aws_grafana_workspace"] == [GRAFANA]
    assert watching.topics_without_tls(things) == []
    assert watching.logs_without_end_or_key(things) == []
    written = configured(CONFIGURATION)
    idle = [
        (name, pattern)
        for name, pattern in EXCEPTIONS
        if not any(re.search(pattern, where) for where in (*CHECKS[name](things), *CHECKS[name](written)))
    ]
    assert idle == []


def test_an_open_group_is_noticed_in_a_plan() -> None:
    """Behind CloudFront there is none: what looks for one has to see it."""
    change = {"after": {"cidr_ipv4": "0.0.0.0/0"}}
    rule = {"mode": "managed", "type": "aws_vpc_security_group_ingress_rule", "name": "visitors", "change": change}
    (found,) = planned("production", {"resource_changes": [rule]})
    assert addresses(found) == ["0.0.0.0/0"]


def addresses(found: Found) -> list[str]:
    """The addresses that a security group's rule names."""
    rule = found.kind.startswith("aws_vpc_security_group_") or found.kind == "aws_security_group_rule"
    one = [found.values.get("cidr_ipv4") or "", *(found.values.get("cidr_blocks") or [])]
    return one if rule else []


@pytest.mark.parametrize(
    ("environment", "named"),
    [("production", ["production:module.database aws_db_instance.this"]), ("development", [])],
)
def test_a_planned_value_is_judged_too(environment: str, named: list[str]) -> None:
    """An expression that is right but comes to nothing is noticed in the plan, but for what the page excuses."""
    made = {"resource_changes": [{**INSTANCE, "change": {"after": {"deletion_protection": False}}}]}
    wheres = CHECKS["RDS.8"](list(planned(environment, made)))
    assert [where for where in wheres if not excepted("RDS.8", where)] == named


def mocked_plan(environment: str, folder: Path, terraform: Terraform) -> dict[str, Any]:
    """What a mocked provider would make on AWS, told as `terraform show -json` tells it. FOLDER is initialised."""
    (folder / "tests" / "plan.tftest.hcl").write_text(RUN, encoding="utf-8")
    tfvars = f"-var-file=environments/{environment}/terraform.tfvars"
    tested = terraform("test", "-json", "-verbose", "-filter=tests/plan.tftest.hcl", tfvars, cwd=folder)
    assert tested.returncode == 0, tested.stdout[-2000:]
    lines = [json.loads(line) for line in tested.stdout.splitlines() if line.startswith("{")]
    (plan,) = [line["test_plan"] for line in lines if line["type"] == "test_plan"]
    return dict(plan)


def deployed() -> Found:
    """The task definition that the deployer registers for a release."""
    environment = values.environment()
    service = environment.services["frontend"]
    release = values.release(Color.BLUE)
    made = task_definition.build(release, service, values.service_topology(), environment, "registry/image@sha256:0")
    containers = json.dumps(made["containerDefinitions"])
    shown = {"network_mode": made["networkMode"], "container_definitions": containers}
    return Found("aws_ecs_task_definition", "deployer:", "frontend", shown)


def test_every_control_is_tested_or_explained() -> None:
    """The list is whole: what has a check has no excuse, and what has neither is missing."""
    absent = set(table("Not applicable"))
    assert set(CHECKS) | absent == WANTED
    assert set(CHECKS) & absent == set()


def test_every_check_is_broken_once() -> None:
    """A check that was never seen to fail proves nothing."""
    assert {case.control for case in BREAKS} == set(CHECKS)


def test_the_page_names_what_is_checked_and_what_is_excepted() -> None:
    """People read the page, not the checks."""
    assert set(table("Tested")) == set(CHECKS)
    assert set(table("Exceptions")) == {control for control, _ in EXCEPTIONS}
    assert [
        reason for reason in (*table("Exceptions").values(), *table("Not applicable").values()) if len(reason) < 20
    ] == []
