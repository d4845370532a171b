"""Saved plans are kept by their hash, with a note of what they would change and what they are of."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from deployer.errors import GateFailed
from deployer.model import Change, Plan
from deployer.tools.saved_plans import SavedPlans

CHANGES = (
    Change("delete", "aws_s3_bucket.a", loses_data=True),
    Change("update", "aws_lb.b", ("name", "tags"), "moved from aws_lb.c"),
)


def saved(plans: SavedPlans, contents: bytes = b"plan") -> Plan:
    """Save a plan of these contents."""
    draft = plans.draft()
    draft.write_bytes(contents)
    return plans.keep(draft, CHANGES, commit="c0ffee", inputs="files")


def test_plan_is_kept_with_its_note(tmp_path: Path) -> None:
    """Another process finds the plan, its changes, its commit, its age and what it was made from."""
    plan = saved(SavedPlans(tmp_path))
    later = SavedPlans(tmp_path)

    assert (plan, "files") == later.latest()
    assert ("c0ffee", CHANGES, True) == (plan.commit, plan.changes, plan.planned_at is not None)
    assert not later.draft().exists()


def test_without_a_plan_there_is_no_latest(tmp_path: Path) -> None:
    """A folder that was never made is no error."""
    assert SavedPlans(tmp_path / "nowhere").latest() is None


def test_the_newest_plan_is_the_latest(tmp_path: Path) -> None:
    """Whichever hash it has."""
    plans = SavedPlans(tmp_path)
    for contents in (b"one", b"two", b"three"):
        plan = saved(plans, contents)
        os.utime(plan.path.with_suffix(".json"), ns=(0, plan.path.stat().st_size))

    latest = plans.latest()
    assert latest is not None
    assert plan == latest[0]


@pytest.mark.parametrize(
    "note", ["", "{", "[]", '{"sha256": "x"}', '{"sha256": "x", "changes": [["create", "a"]], "lines": []}']
)
def test_an_older_plan_does_not_stand_in_for_one_whose_note_is_damaged(tmp_path: Path, note: str) -> None:
    """It is not the one that was shown last. So with a note from before commits were noted."""
    saved(SavedPlans(tmp_path))
    (tmp_path / "later.json").write_text(note, encoding="utf-8")

    with pytest.raises(GateFailed, match=r"later\.json cannot be read"):
        SavedPlans(tmp_path).latest()


def test_verify_takes_the_very_file(tmp_path: Path) -> None:
    """One changed byte is another plan."""
    plans = SavedPlans(tmp_path)
    plan = saved(plans)
    plans.verify(plan)
    plan.path.write_bytes(b"plaN")
    with pytest.raises(GateFailed, match="not what was planned"):
        plans.verify(plan)
