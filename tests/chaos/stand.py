"""What a clone needs before it can be loaded."""

from __future__ import annotations

from tests.e2e.conftest import Checkout

UNLIMITED = 'environment = { RATE_LIMIT_PER_MINUTE = "1000000" }'
"""All of the load comes from one address, which the site would rightly refuse."""


def unlimited(clone: Checkout, environment: str) -> None:
    """Let the backend of one environment take any number of forms from one address."""
    file = clone.path / f"infrastructure/terraform/environments/{environment}/terraform.tfvars"
    before, backend, after = file.read_text(encoding="utf-8").partition("backend = {")
    file.write_text(before + backend + after.replace("environment = {}", UNLIMITED, 1), encoding="utf-8")
