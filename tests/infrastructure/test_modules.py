"""Runs the `terraform test` files that stand beside the modules, and breaks each module once to see them fail."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.infrastructure import hcl
from tests.infrastructure.conftest import CONFIGURATION, DOUBLE, GENERATED_SECRET, ROOT, Terraform
from tests.infrastructure.refusals import block

MODULES = sorted(str(file.parent.relative_to(CONFIGURATION)) for file in CONFIGURATION.rglob("variables.tf"))
DEVELOPMENT = "-var-file=environments/development/terraform.tfvars"

# module, file, what is there, what breaks it, the run that must notice
MUTATIONS = [
    ("modules/networking", "security_groups.tf", '["public-alb"].id\n  cidr', '["backend"].id\n  cidr', "development"),
    ("modules/buckets", "main.tf", "restrict_public_buckets = true", "restrict_public_buckets = false", "closed"),
    (
        "modules/storage",
        "policies.tf",
        'arn:aws:s3:::${var.prefix}-*" }',
        'arn:aws:s3:::*" }',
        "access_logs",
    ),
    (
        "modules/replica",
        "database.tf",
        "= aws_kms_key.this.arn #",
        '= "arn:aws:kms:ap-south-1:123456789012:key/1" #',
        "database",
    ),
    ("modules/dns", "main.tf", "health_check_id = local.pair", "health_check_id = false", "two_load_balancers"),
    ("modules/security", "main.tf", "enable_key_rotation     = true", "enable_key_rotation     = false", "protected"),
    ("modules/database", "main.tf", "publicly_accessible    = false", "publicly_accessible    = true", "protected"),
    ("modules/compute", "main.tf", "rollback = true", "rollback = false", "shells"),
    ("modules/compute", "roles.tf", "Resource = var.secret_arns[name]", 'Resource = ["*"]', "least_privilege"),
    (
        "modules/reconciler",
        "main.tf",
        "task_definition_arn = local.family",
        'task_definition_arn = "${local.family}:1"',
        "schedule",
    ),
    (
        "modules/compute",
        "autoscaling.tf",
        "dynamic_scaling_in_suspended  = true",
        "dynamic_scaling_in_suspended  = false",
        "autoscaling",
    ),
    ("modules/reconciler", "roles.tf", "Resource = var.listeners", 'Resource = ["*"]', "least_privilege"),
    (
        "modules/monitoring",
        "main.tf",
        "TargetGroup  = group",
        'TargetGroup  = "any"',
        "each_color_is_watched_by_itself",
    ),
    ("modules/monitoring", "operations.tf", '"${var.prefix}-ops-${', '"${var.prefix}-${', "everything"),
    ("modules/cdn", "main.tf", "= local.read\n", "= local.all\n", "one_region"),
    (
        "modules/cdn",
        "firewall.tf",
        'positional_constraint = "EXACTLY"\n          search_string         = var',
        'positional_constraint = "CONTAINS"\n          search_string         = var',
        "one_region",
    ),
    ("modules/security", "people.tf", 'each.value == "full" &&', 'each.value == "none" &&', "production"),
    ("modules/security", "people.tf", ":ref:refs/heads/${var.ci.branch}", "", "production"),
    ("modules/security", "boundary.tf", '"Deny"\n      NotAction', '"Allow"\n      NotAction', "production"),
    (".", "topology.tf", "${local.internal_ports[color]}", "${local.internal_ports.blue}", "environment"),
]


def run_tests(terraform: Terraform, folder: Path) -> tuple[list[str], list[str], str]:
    """Initialise FOLDER and run its tests: the names of all runs, of those that did not pass, and what was printed."""
    arguments = [DEVELOPMENT] if (folder / "environments").is_dir() else []
    initialised = terraform("init", "-backend=false", "-input=false", "-no-color", cwd=folder)
    assert initialised.returncode == 0, initialised.stdout
    report = folder / "report.xml"
    tested = terraform("test", "-no-color", f"-junit-xml={report}", *arguments, cwd=folder)
    cases = ElementTree.parse(report).getroot().findall(".//testcase")
    failed = [
        case.attrib["name"] for case in cases if case.find("failure") is not None or case.find("error") is not None
    ]
    skipped = [case.attrib["name"] for case in cases if case.find("skipped") is not None]
    not_passed = failed + skipped
    assert bool(not_passed) == (tested.returncode != 0), tested.stdout
    return [case.attrib["name"] for case in cases], not_passed, tested.stdout


def test_every_module_is_tested() -> None:
    """A module without a test file would pass by having nothing to fail."""
    without = [module for module in MODULES if not list((CONFIGURATION / module / "tests").glob("*.tftest.hcl"))]
    assert without == []


@pytest.mark.parametrize("module", MODULES)
def test_module(module: str, testable: Path, terraform: Terraform) -> None:
    """Every run of every test file beside the module passes.

    What is refused is refused before anything is planned: a folder with nothing but the variables needs no provider.
    """
    refusing = move_refusals(testable / module, testable / "refusals")
    runs, not_passed, printed = run_tests(terraform, testable / module)
    assert runs or refusing
    assert not_passed == [], printed
    if refusing:
        refused, accepted, told = run_tests(terraform, testable / "refusals")
        assert refused == refusing
        assert accepted == [], told


def move_refusals(module: Path, place: Path) -> list[str]:
    """Move the runs that expect a refusal to PLACE, with the variables they are about; return their names."""
    names: list[str] = []
    (place / "tests").mkdir(parents=True)
    for file in module.glob("variables*.tf"):
        shutil.copy(file, place)
    for environment in module.glob("environments/development/*.tfvars"):
        (place / "environments" / "development").mkdir(parents=True)
        shutil.copy(environment, place / "environments" / "development")
    for file in sorted((module / "tests").glob("*.tftest.hcl")):
        shared, *runs = re.split(r'^(?=run ")', file.read_text(encoding="utf-8"), flags=re.MULTILINE)
        refusing = [run for run in runs if "expect_failures" in run]
        file.write_text(shared + "".join(run for run in runs if run not in refusing), encoding="utf-8")
        given = f"variables {{\n{block(shared, 'variables')}}}\n"
        (place / "tests" / file.name).write_text(given + "".join(refusing), encoding="utf-8")
        names += [run.split('"')[1] for run in refusing]
    return names


@pytest.mark.parametrize(
    ("module", "file", "sound", "broken", "noticed_by"), MUTATIONS, ids=[f"{line[0]}-{line[-1]}" for line in MUTATIONS]
)
def test_a_broken_module_is_noticed(
    module: str, file: str, sound: str, broken: str, noticed_by: str, testable: Path, terraform: Terraform
) -> None:
    """The run that guards a line fails when that line is made unsafe."""
    path = testable / module / file
    text = path.read_text(encoding="utf-8")
    assert sound in text
    path.write_text(text.replace(sound, broken), encoding="utf-8")
    keep_only(noticed_by, testable / module / "tests")
    runs, not_passed, printed = run_tests(terraform, testable / module)
    assert [noticed_by] == runs
    assert [noticed_by] == not_passed, printed
    assert "Test assertion failed" in printed


def keep_only(run: str, tests: Path) -> None:
    """Cut the module's test files down to what the run called RUN needs: the others cost seconds each."""
    for file in tests.glob("*.tftest.hcl"):
        shared, *runs = re.split(r'^(?=run ")', file.read_text(encoding="utf-8"), flags=re.MULTILINE)
        wanted = [text for text in runs if text.startswith(f'run "{run}" {{')]
        if wanted:
            file.write_text(shared + "".join(wanted), encoding="utf-8")
        else:
            file.unlink()


FIRST = """
mock_provider "aws" {
  source = "./tests/mocks"
}

mock_provider "aws" {
  alias  = "replica"
  source = "./tests/mocks"
}

mock_provider "aws" {
  alias  = "edge"
  source = "./tests/mocks/edge"
}

variables {
  cloud        = "aws"
  account_id   = "123456789012"
  owns_account = true
  file_system  = true
}

run "first" {
  command = plan
}
"""
"""A plan in which nothing is known of what is not made yet, as on a new account: whatever exists on AWS is in it."""


def test_a_first_plan_can_be_made(testable: Path, terraform: Terraform) -> None:
    """How many there are of a thing never depends on what AWS will call another one (test_cold_plan breaks it)."""
    (testable / "tests" / "first.tftest.hcl").write_text(FIRST, encoding="utf-8")
    initialised = terraform("init", "-backend=false", "-input=false", "-no-color", cwd=testable)
    assert initialised.returncode == 0, initialised.stdout
    tfvars = "-var-file=environments/production/terraform.tfvars"
    tested = terraform("test", "-no-color", "-filter=tests/first.tftest.hcl", tfvars, cwd=testable)
    assert tested.returncode == 0, tested.stdout


def test_the_runbook_writes_what_is_tested() -> None:
    """What people are told to write when a region is lost is what the run of that name plans."""
    page = (ROOT / "docs" / "infrastructure" / "region-failure.md").read_text(encoding="utf-8")
    (told,) = re.findall(r"^```hcl\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    runs = (CONFIGURATION / "tests" / "environment.tftest.hcl").read_text(encoding="utf-8")
    run = runs.split('run "the_stand_in_of_a_lost_region" ')[1]
    planned = hcl.parse(run.split("  variables {\n")[1].split("\n  }\n")[0] + "\n")
    assert hcl.parse(told).items() <= planned.items()


def test_the_double_has_the_outputs_of_what_it_stands_for() -> None:
    """A test against a double that promises something else would prove nothing."""
    assert _outputs(CONFIGURATION / GENERATED_SECRET) == _outputs(DOUBLE)


def _outputs(folder: Path) -> list[str]:
    text = (folder / "outputs.tf").read_text(encoding="utf-8")
    return sorted(line.split('"')[1] for line in text.splitlines() if line.startswith("output "))
