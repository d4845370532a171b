"""Drift as real Terraform with the real AWS provider finds it, in a Parameter Store that lives in this process."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from deployer.model import Difference, Drift, Topology
from deployer.tools.terraform import Terraform
from tests.examples import COMMIT, ENVIRONMENT
from tests.infrastructure.conftest import terraform_environment
from tests.infrastructure.parameters import Parameters, store

MAIN = """
terraform {
  required_providers {
    aws = { source = "hashicorp/aws", version = "~> 5.100" }
  }
  backend "local" {}
}
variable "description" { type = string }
variable "endpoint" { type = string }
provider "aws" {
  region                      = "ap-south-1"
  access_key                  = "test"
  secret_key                  = "test"
  skip_credentials_validation = true
  skip_requesting_account_id  = true
  skip_metadata_api_check     = true
  max_retries                 = 1
  endpoints { ssm = var.endpoint }
}
resource "aws_ssm_parameter" "ours" {
  name        = "ours"
  type        = "String"
  value       = "hunter2"
  data_type   = "text"
}
resource "aws_ssm_parameter" "newer" {
  name        = "newer"
  type        = "String"
  value       = "same"
  description = var.description
}
resource "aws_ssm_parameter" "lost" {
  name  = "lost"
  type  = "String"
  value = "here"
}
resource "aws_ssm_parameter" "deployers" {
  name        = "deployers"
  type        = "String"
  value       = "placeholder"
  description = "what the deployer moves"
  lifecycle { ignore_changes = [value, description] }
}
"""


@dataclass
class Place:
    """A configuration that is applied, what the cloud holds of it, and the adapter."""

    folder: Path
    parameters: Parameters
    endpoint: str

    @property
    def state(self) -> Path:
        """Terraform's state."""
        return self.folder / "state" / "terraform.tfstate"

    def describe(self, description: str) -> None:
        """Write the environment's file."""
        text = f'description = "{description}"\nendpoint = "{self.endpoint}"\n'
        self.tfvars.write_text(text, encoding="utf-8")

    @property
    def tfvars(self) -> Path:
        """The environment's file."""
        return self.folder / "terraform" / "environments" / "development" / "terraform.tfvars"

    def terraform(self) -> Terraform:
        """The adapter, as each command makes its own."""

        def serial(_: str) -> str:
            return str(json.loads(self.state.read_text(encoding="utf-8"))["serial"]) if self.state.exists() else ""

        def topology() -> Topology:
            raise AssertionError("nobody asks for it")

        return Terraform(
            replace(ENVIRONMENT, tfvars=self.tfvars),
            configuration=self.folder / "terraform",
            cache=self.folder / ".cache",
            instance="parameters",
            endpoint_url=None,
            bootstrap=lambda: None,
            read_serial=serial,
            read_topology=topology,
            forget_topology=lambda: None,
            tag_state=lambda: None,
            backend={"path": str(self.state)},
            # The provider's mirror is looked for where other tests of this checkout have found it.
            environ=terraform_environment(os.environ),
        )

    def drift(self) -> Drift:
        """What `inv drift` would find."""
        return self.terraform().drift(self.folder / "drift.log", print)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """Parameters as they were applied; of one the deployer owns all that matters."""
    with store() as (endpoint, parameters):
        place = Place(tmp_path, parameters, endpoint)
        place.tfvars.parent.mkdir(parents=True)
        (tmp_path / "terraform" / "main.tf").write_text(MAIN, encoding="utf-8")
        (place.tfvars.parent / "backend.hcl").write_text("", encoding="utf-8")
        place.describe("by Terraform")
        terraform = place.terraform()
        terraform.prepare(print)
        terraform.apply(terraform.plan(COMMIT, tmp_path / "plan.log", print), tmp_path / "apply.log", print)
        yield place


@pytest.mark.timeout(300)
def test_only_what_somebody_changed_around_terraform_is_drift(place: Place) -> None:
    """Changed and deleted by hand: drift. Moved by the deployer, or waiting in a newer commit: none."""
    place.describe("by a newer commit")
    place.parameters["deployers"] |= {"Value": "web:7", "Description": "moved"}
    place.parameters["ours"] |= {"Value": "hunter3", "DataType": "aws:ec2:image"}
    del place.parameters["lost"]
    state = place.state.read_bytes()

    found = place.drift()

    ours = "aws_ssm_parameter.ours"
    expected = (
        Difference("aws_ssm_parameter.lost", "", "there", "there", "gone"),
        Difference(ours, "data_type", '"text"', '"text"', '"aws:ec2:image"'),
        Difference(ours, "value", *["(sensitive)"] * 3),
    )
    assert Drift(expected, pending=1) == found
    assert "hunter" not in repr(found)
    assert "hunter" not in (place.folder / "drift.log").read_text(encoding="utf-8")
    assert state == place.state.read_bytes(), "looking writes nothing"
    assert [place.state] == list(place.state.parent.iterdir()), "and leaves no lock"
    assert [] == list(place.folder.rglob("draft-*")), "nor a plan, which holds every value"
