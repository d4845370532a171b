"""The provider itself plans production on AWS, with nothing there yet: no mock says what it wants to hear."""

from __future__ import annotations

import re
from pathlib import Path

from tests.infrastructure.conftest import Terraform

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


def cold_plan(folder: Path, terraform: Terraform) -> tuple[int, str]:
    """Plan production in a copy of the configuration: the exit code, and what Terraform said."""
    (folder / "offline_override.tf").write_text(OFFLINE, encoding="utf-8")
    (folder / "cold.tfvars").write_text(VARIABLES, encoding="utf-8")
    initialised = terraform("init", "-input=false", "-no-color", cwd=folder)
    assert initialised.returncode == 0, initialised.stdout
    files = [f"-var-file={file}" for file in ("environments/production/terraform.tfvars", "cold.tfvars")]
    planned = terraform("plan", "-input=false", "-no-color", "-refresh=false", "-lock=false", *files, cwd=folder)
    return planned.returncode, planned.stdout


def test_production_can_be_planned_where_nothing_is(testable: Path, terraform: Terraform) -> None:
    """Keys are known before anything is made, and the provider's own checks of what goes together hold."""
    code, said = cold_plan(testable, terraform)
    assert code == 0, said[-3000:]
    assert re.search(r"^Plan: [1-9]\d\d to add, 0 to change, 0 to destroy\.$", said, re.MULTILINE)


def test_what_does_not_go_together_is_noticed(testable: Path, terraform: Terraform) -> None:
    """A mocked provider plans a cache that fails over to nobody; this one does not."""
    cache = testable / "modules" / "database" / "cache.tf"
    text = cache.read_text(encoding="utf-8")
    sound = "num_cache_clusters         = var.cache.nodes"
    assert sound in text
    cache.write_text(text.replace(sound, "num_cache_clusters         = 1"), encoding="utf-8")
    code, said = cold_plan(testable, terraform)
    assert (code, "automatic_failover" in said) == (1, True), said[-3000:]
