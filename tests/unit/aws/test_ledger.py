"""The ledger's bytes, also damaged ones."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from deployer.aws.ledger import damaged, dump, load
from deployer.model import Record, Verdict
from tests.unit.aws import values

RECORD = Record(
    release="dev-20260102T030405Z-0123456",
    environment="development",
    commit=values.COMMIT,
    kind="rollback",
    restores="dev-20260101T000000Z-7654321",
    outcome=Verdict.ROLLED_BACK,
    started_at=values.STARTED,
    ended_at=values.STARTED + timedelta(seconds=61.5),
    actor="ana@example.com",
    digests={"frontend": "sha256:aa", "backend": "sha256:bb"},
    task_definitions={"frontend": "arn:1"},
    plan_sha256="p",
    config_hash="c",
    migration_head="m",
    reason="it crashed",
    stages=({"name": "lint", "status": "ok", "duration_s": 1.5},),
    dirty=True,
)


def test_a_record_comes_back_as_written() -> None:
    """Every field, with its type."""
    assert load(dump(RECORD)) == RECORD
    assert isinstance(load(dump(RECORD)).outcome, Verdict)


def test_it_is_json_with_a_schema_version() -> None:
    """People and other tools can read it."""
    seen = json.loads(dump(RECORD))
    assert (seen["schema_version"], seen["outcome"], seen["release"]) == (1, "rolled-back", RECORD.release)


def test_keys_of_later_versions_are_ignored() -> None:
    """An older checkout reads what a newer one wrote."""
    newer = json.loads(dump(RECORD)) | {"schema_version": 2, "approvals": ["ben"]}
    assert load(json.dumps(newer).encode()) == RECORD


def test_records_from_before_dirty_was_noted_are_read() -> None:
    """An environment's history outlives the version that wrote it."""
    older = json.loads(dump(RECORD))
    del older["dirty"]

    assert replace(RECORD, dirty=False) == load(json.dumps(older).encode())


def test_a_record_cut_at_any_byte_is_damaged() -> None:
    """It is never taken for a shorter, valid one."""
    whole = dump(RECORD)
    for end in range(len(whole)):
        with pytest.raises(ValueError, match=r".+"):
            load(whole[:end])


def test_a_damaged_record_can_never_be_rolled_back_to() -> None:
    """It names its release and its object, and has no outcome."""
    seen = damaged("ledger/dev-1.json", "development", values.STARTED, "it is empty")
    assert (seen.release, seen.outcome, seen.digests) == ("dev-1", None, {})
    assert "ledger/dev-1.json" in seen.reason
    assert "it is empty" in seen.reason
