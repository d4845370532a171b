"""Saved plans are kept by their hash, with a note of what they would change."""

from __future__ import annotations

from pathlib import Path

import pytest

from deployer.errors import GateFailed
from deployer.model import Plan
from deployer.tools.plan_summary import Summary
from deployer.tools.saved_plans import SavedPlans

SUMMARY = Summary(
    (("delete", "aws_s3_bucket.a"),), ("1 to destroy", "- aws_s3_bucket.a  ! DATA LOSS"), ("aws_s3_bucket.a",)
)


def saved(plans: SavedPlans, contents: bytes = b"plan") -> Plan:
    """Save a plan of these contents."""
    draft = plans.draft()
    draft.write_bytes(contents)
    return plans.keep(draft, SUMMARY)


def test_plan_is_kept_with_its_summary(tmp_path: Path) -> None:
    """Another process finds the plan, its changes and its words."""
    plan = saved(SavedPlans(tmp_path))
    later = SavedPlans(tmp_path)

    assert plan == later.latest()
    assert SUMMARY.lines == later.lines(plan)
    assert not later.draft().exists()


def test_without_a_plan_there_is_no_latest(tmp_path: Path) -> None:
    """A folder that was never made is no error."""
    assert SavedPlans(tmp_path / "nowhere").latest() is None


@pytest.mark.parametrize("note", ["", "{", "[]", '{"sha256": "x"}'])
def test_damaged_note_speaks_for_no_plan(tmp_path: Path, note: str) -> None:
    """A half-written note does not stand in the way of the plan before it."""
    plan = saved(SavedPlans(tmp_path))
    (tmp_path / "later.json").write_text(note, encoding="utf-8")

    assert plan == SavedPlans(tmp_path).latest()
    assert () == SavedPlans(tmp_path).lines(Plan(tmp_path / "later.tfplan", "x", ()))


def test_verify_takes_the_very_file(tmp_path: Path) -> None:
    """One changed byte is another plan."""
    plans = SavedPlans(tmp_path)
    plan = saved(plans)
    plans.verify(plan)
    plan.path.write_bytes(b"plaN")
    with pytest.raises(GateFailed, match="not what was planned"):
        plans.verify(plan)
