"""The configuration as it is written: formatted, valid, described, and with one door to the internet."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.infrastructure import hcl
from tests.infrastructure.conftest import CONFIGURATION, Terraform

ENVIRONMENTS = sorted(folder for folder in (CONFIGURATION / "environments").iterdir() if folder.is_dir())
INTERNET = ("0.0.0.0/0", "::/0")
LARGEST_FILE = 250


def test_it_is_formatted(terraform: Terraform) -> None:
    """`terraform fmt` has nothing to change."""
    finished = terraform("fmt", "-check", "-recursive", "-diff", cwd=CONFIGURATION)
    assert finished.returncode == 0, finished.stdout


def test_it_is_valid_and_locked(configuration: Path, terraform: Terraform) -> None:
    """It validates with exactly the provider that the lock file names."""
    initialised = terraform(
        "init", "-backend=false", "-input=false", "-no-color", "-lockfile=readonly", cwd=configuration
    )
    assert initialised.returncode == 0, initialised.stdout
    validated = terraform("validate", "-no-color", cwd=configuration)
    assert validated.returncode == 0, validated.stdout


def test_every_provider_tags_what_it_makes() -> None:
    """In each region: the environment, version, deployment, owner and cost centre that local.tags holds."""
    providers = [body for _, name, body in hcl.named(CONFIGURATION, "provider") if name == "aws"]

    assert {"", "replica", "edge"} == {str(body.get("alias", "")) for body in providers}
    assert [[{"tags": "${local.tags}"}]] * 3 == [body.get("default_tags") for body in providers]


def test_the_lock_serves_every_platform() -> None:
    """Checksums of the release's packages (zh) let a Mac use what was locked on Linux."""
    text = (CONFIGURATION / ".terraform.lock.hcl").read_text(encoding="utf-8")
    assert re.findall(r'provider "([^"]+)"', text) == ["registry.terraform.io/hashicorp/aws"]
    assert len(re.findall(r'"zh:[0-9a-f]{64}"', text)) >= 15
    assert re.search(r'"h1:[^"]+"', text)


def test_only_one_provider_is_used() -> None:
    """Machines without Terraform's registry carry the AWS provider and no other."""
    providers = {
        (name, settings["source"], settings["version"])
        for file in hcl.files(CONFIGURATION)
        for block in hcl.read(file).get("terraform", [])
        for required in block.get("required_providers", [])
        for name, settings in required.items()
        if not name.startswith("__")
    }
    assert providers == {("aws", "hashicorp/aws", "~> 5.100")}


def test_the_second_region_is_not_asked_who_we_are() -> None:
    """A stand-in's second region is the one that was lost: a provider that asks there never plans."""
    providers = [body for _, _, body in hcl.named(CONFIGURATION, "provider")]
    second = [body for body in providers if body.get("region") == "${var.replica_region}"]
    assert [body.get("sts_region") for body in second] == ["${var.region}"]


def test_what_aws_adds_replaces_nothing() -> None:
    """GuardDuty also names what is off, in its own order; a restored database has no first name."""
    ignored = {
        f"{kind}.{name}": body["lifecycle"][0]["ignore_changes"]
        for kind, name, body in hcl.resources(CONFIGURATION)
        if kind in ("aws_guardduty_detector_feature", "aws_db_instance")
    }
    assert {name: sorted(re.findall(r"\w+", str(attributes))) for name, attributes in ignored.items()} == {
        "aws_guardduty_detector_feature.this": ["additional_configuration"],
        "aws_db_instance.this": ["backup_window", "db_name", "restore_to_point_in_time"],
    }


def test_what_the_deployer_moves_is_not_terraforms() -> None:
    """Weights, revisions, counts, limits: else a plan after a release, or in the middle of one, would put them back."""
    moved = ("aws_lb_listener", "aws_ecs_service", "aws_ecs_task_definition", "aws_appautoscaling_target")
    ignored = {
        f"{kind}.{name}": re.findall(r"\w+", str(body.get("lifecycle", [{}])[0].get("ignore_changes", "")))
        for kind, name, body in hcl.resources(CONFIGURATION / "modules" / "compute")
        if kind in moved
    }
    assert ignored == {
        "aws_appautoscaling_target.this": ["min_capacity", "max_capacity", "suspended_state"],
        "aws_ecs_service.shell": ["task_definition", "desired_count", "availability_zone_rebalancing"],
        "aws_ecs_task_definition.placeholder": ["container_definitions"],
        "aws_lb_listener.production": ["default_action"],
        "aws_lb_listener.test": ["default_action"],
        "aws_lb_listener.redirect": [],  # from plain HTTP, always
        "aws_lb_listener.internal": [],  # one a color, whatever its weight
    }


@pytest.mark.parametrize("kind", ["variable", "output"])
def test_everything_is_described(kind: str) -> None:
    """Variables and outputs are what a module is used by: each says what it is, variables also of which type."""
    wanted = {"description", "type"} if kind == "variable" else {"description"}
    silent = [
        f"{file.relative_to(CONFIGURATION)}: {name}"
        for file, name, body in hcl.named(CONFIGURATION, kind)
        if not wanted <= {key for key, value in body.items() if value}
    ]
    assert silent == []


def test_files_are_short() -> None:
    """A file that grows past a few screens is two files."""
    long = [
        str(file)
        for file in hcl.files(CONFIGURATION)
        if len(file.read_text(encoding="utf-8").splitlines()) > LARGEST_FILE
    ]
    assert long == []


@pytest.mark.parametrize("environment", ENVIRONMENTS, ids=lambda folder: folder.name)
def test_tfvars_and_variables_agree(environment: Path) -> None:
    """A tfvars file gives every variable that has no default, and nothing that is no variable."""
    declared = {name: body for file, name, body in hcl.named(CONFIGURATION, "variable") if file.parent == CONFIGURATION}
    given = set(hcl.read(environment / "terraform.tfvars"))
    required = {name for name, body in declared.items() if "default" not in body}
    assert required - given == set()
    assert given - set(declared) == set()


@pytest.mark.parametrize("environment", ENVIRONMENTS, ids=lambda folder: folder.name)
def test_the_state_is_the_environments_own(environment: Path) -> None:
    """Two environments that shared a state would destroy each other."""
    values = hcl.read(environment / "terraform.tfvars")
    backend = hcl.read(environment / "backend.hcl")
    assert values["name"] == environment.name
    assert backend["bucket"] == f"indivillage-{values['short_name']}-state-{values['account_id']}"
    assert (backend["region"], backend["key"]) == (values["region"], "terraform.tfstate")
    assert backend["use_lockfile"] is True
    assert backend["encrypt"] is True


def open_to_the_internet(configuration: Path) -> list[str]:
    """Every rule that lets the whole internet in: `type.name -> security group`."""
    return [
        f"{kind}.{name} -> {body.get('security_group_id', 'inline')}"
        for kind, name, body in hcl.resources(configuration)
        for rule in _ingress(kind, body)
        if any(address in _addresses(rule) for address in INTERNET)
    ]


def _ingress(kind: str, body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if kind == "aws_vpc_security_group_ingress_rule" or (
        kind == "aws_security_group_rule" and body["type"] == "ingress"
    ):
        yield body
    elif kind in ("aws_security_group", "aws_default_security_group"):
        yield from body.get("ingress", [])


def _addresses(rule: dict[str, Any]) -> list[Any]:
    return [
        rule.get("cidr_ipv4"),
        rule.get("cidr_ipv6"),
        *rule.get("cidr_blocks", []),
        *rule.get("ipv6_cidr_blocks", []),
    ]


def test_only_the_public_load_balancer_is_open() -> None:
    """Visitors have one way in."""
    expected = ['aws_vpc_security_group_ingress_rule.visitors -> ${aws_security_group.this["public-alb"].id}']
    assert open_to_the_internet(CONFIGURATION) == expected


@pytest.mark.parametrize(
    "text",
    [
        'resource "aws_vpc_security_group_ingress_rule" "a" {\n  security_group_id = "b"\n  cidr_ipv6 = "::/0"\n}\n',
        'resource "aws_security_group_rule" "a" {\n  type = "ingress"\n  cidr_blocks = ["0.0.0.0/0"]\n}\n',
        'resource "aws_security_group" "a" {\n  ingress {\n    cidr_blocks = ["0.0.0.0/0"]\n  }\n}\n',
    ],
    ids=["rule", "old_rule", "inline"],
)
def test_another_open_door_is_noticed(text: str, tmp_path: Path) -> None:
    """The check above sees each way in which a door can be opened."""
    (tmp_path / "doors.tf").write_text(text, encoding="utf-8")
    assert len(open_to_the_internet(tmp_path)) == 1


def test_what_leaves_the_vpc_is_tls() -> None:
    """The only addresses, outside and inside, that a group may reach are on port 443."""
    ways_out = [
        (body["cidr_ipv4"], body["from_port"], body["to_port"])
        for kind, _, body in hcl.resources(CONFIGURATION)
        if kind == "aws_vpc_security_group_egress_rule" and body.get("cidr_ipv4")
    ]
    assert ways_out == [("0.0.0.0/0", 443, 443), ("${var.cidr}", 443, 443)]


def test_no_secret_is_written_down() -> None:
    """No password, token or key has a literal value: secrets are drawn while they are applied."""
    literal = re.compile(r'^\s*(password|secret_string|auth_token|access_key|secret_key)\w*\s*=\s*"', re.MULTILINE)
    texts = {str(file): file.read_text(encoding="utf-8") for file in hcl.files(CONFIGURATION)}
    assert [file for file, text in texts.items() if literal.search(text)] == []
    assert literal.search('  password = "hunter2"\n')
