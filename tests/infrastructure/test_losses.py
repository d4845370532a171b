"""What the configuration protects because it holds data is what the deployer lets nobody destroy unnamed."""

from __future__ import annotations

from pathlib import Path

from deployer.tools.plan_summary import HOLDS_DATA
from tests.infrastructure import hcl
from tests.infrastructure.conftest import CONFIGURATION

TELLING = {
    *("skip_final_snapshot", "force_destroy", "force_delete", "recovery_window_in_days", "deletion_window_in_days"),
    *("retention_in_days", "final_snapshot_identifier", "message_retention_seconds"),
}
"""Arguments that the provider has only where an end is the end of data, or of what makes it readable."""
DISPOSABLE = {"aws_kinesis_firehose_delivery_stream", "aws_athena_workgroup", "aws_iam_user", "aws_route53_zone"}
"""Types that have one of these and hold nothing which an apply would not make again."""


def unguarded(configuration: Path) -> set[str]:
    """Types of resources that tell of data by their arguments, and could be destroyed without being named."""
    telling = {
        kind
        for kind, _, body in hcl.resources(configuration)
        if TELLING & set(body) or any(life.get("prevent_destroy") for life in body.get("lifecycle", []))
    }
    return telling - HOLDS_DATA - DISPOSABLE


def test_whatever_holds_data_has_to_be_named_before_it_ends() -> None:
    """A type that somebody adds belongs into HOLDS_DATA, or here among the disposable ones."""
    assert set() == unguarded(CONFIGURATION)


def test_a_new_kind_of_store_is_noticed(tmp_path: Path) -> None:
    """By an argument, or since Terraform itself is to keep it."""
    (tmp_path / "main.tf").write_text(
        'resource "aws_redshift_cluster" "a" {\n  skip_final_snapshot = true\n}\n'
        'resource "aws_neptune_cluster" "b" {\n  lifecycle {\n    prevent_destroy = true\n  }\n}\n'
        'resource "aws_lb" "c" {\n  enable_deletion_protection = true\n}\n',
        encoding="utf-8",
    )
    assert {"aws_redshift_cluster", "aws_neptune_cluster"} == unguarded(tmp_path)
