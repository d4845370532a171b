"""Roles that Terraform makes: whatever they are given later, none gets beyond a boundary."""

from __future__ import annotations

import re

from tests.infrastructure.conftest import CONFIGURATION
from tests.infrastructure.controls.found import configured
from tests.infrastructure.controls.identity import unbounded

ROLES = [file for file in sorted(CONFIGURATION.rglob("*.tf")) if 'resource "aws_iam_role" ' in file.read_text("utf-8")]


def test_every_role_is_bounded() -> None:
    """CI could otherwise make itself a role that may do more than CI."""
    assert unbounded(configured(CONFIGURATION)) == []


def test_a_role_without_boundary_is_noticed() -> None:
    """In every file that makes one."""
    for file in ROLES:
        broken = re.sub(r"\n *permissions_boundary *=.*", "", file.read_text(encoding="utf-8"))
        assert unbounded(configured(CONFIGURATION, {str(file.relative_to(CONFIGURATION)): broken})), file
    assert len(ROLES) > 4
