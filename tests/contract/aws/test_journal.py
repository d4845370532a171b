"""The journal's object and the ledger's records: never overwritten by an older run, never believed when damaged."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from deployer.aws.abort import S3Abort
from deployer.aws.journal import S3Journal, dump
from deployer.aws.ledger import S3Ledger
from deployer.aws.ledger import dump as record_body
from deployer.aws.state_bucket import JOURNAL_KEY, LEDGER_PREFIX, StateBucket
from deployer.errors import StateUncertain
from deployer.journal_page import Entry, Page
from deployer.model import Color, Record, Release, Verdict
from tests.unit.aws import values

if TYPE_CHECKING:
    from deployer.aws.session import Session

ENTRY = Entry(1, "scale", "frontend green runs 0", values.STARTED)
PAGE = Page("dev-1", "deploy", "ana", 3, values.STARTED, weights={Color.BLUE: 100, Color.GREEN: 0}, entries=(ENTRY,))
RECORD = Record.of(Release("dev-1", "development", values.COMMIT, "ana", values.STARTED), Verdict.GOOD)
WRONG = [b"", b"{", b"null", b"\xff", b'{"schema_version": 1}']


@pytest.fixture
def ready(session: Session) -> Session:
    """Return a session whose state bucket can be used: moto takes the TLS-only policy without its condition."""
    StateBucket(session).ensure()
    if session.environment.cloud == "aws":
        session.s3.delete_bucket_policy(Bucket=session.environment.state_bucket)
    return session


def put(session: Session, key: str, body: bytes, **how: Any) -> None:
    """Overwrite an object, as an accident would."""
    session.s3.put_object(Bucket=session.environment.state_bucket, Key=key, Body=body, **how)


def test_a_page_is_read_back_by_another_process(ready: Session) -> None:
    """There is none at first."""
    mine = S3Journal(ready)
    assert mine.read() is None
    for page in (PAGE, replace(PAGE, proven=True), replace(PAGE, ended_at=values.STARTED)):
        mine.write(page)
        assert page == S3Journal(ready).read()


def test_a_page_of_an_older_run_never_overwrites_a_newer_one(ready: Session) -> None:
    """Neither in the middle of a run nor as its first word."""
    old, new = S3Journal(ready), S3Journal(ready)
    old.write(PAGE)
    later = replace(PAGE, fencing=4, actor="ben")
    new.write(later)
    for journal in (old, S3Journal(ready)):
        with pytest.raises(StateUncertain, match="ben has gone on meanwhile"):
            journal.write(replace(PAGE, proven=True))
    assert later == new.read()
    new.write(replace(later, proven=True))


def test_an_older_run_that_writes_between_does_not_stop_the_newer_one(ready: Session) -> None:
    """The newer one has read, the older one writes, the newer one writes all the same."""
    old, new = S3Journal(ready), S3Journal(ready)
    old.write(PAGE)
    assert PAGE == new.read()
    old.write(replace(PAGE, proven=True))
    later = replace(PAGE, fencing=4)
    new.write(later)
    assert later == S3Journal(ready).read()


def test_a_write_whose_answer_was_lost_is_recognised(ready: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first attempt arrived, its answer did not, and botocore's repeat was refused."""
    mine = S3Journal(ready)
    mine.write(PAGE)
    real = ready.s3_brief.put_object

    def twice(**arguments: Any) -> object:
        real(**arguments)
        return real(**arguments)

    with monkeypatch.context() as patch:
        patch.setattr(ready.s3_brief, "put_object", twice)
        mine.write(replace(PAGE, proven=True))
    mine.write(replace(PAGE, proven=True, exit_code=0))
    assert replace(PAGE, proven=True, exit_code=0) == mine.read()


@pytest.mark.parametrize("body", WRONG)
def test_a_damaged_page_is_told_as_such_and_written_anew(ready: Session, body: bytes) -> None:
    """Its number survives in the metadata; the run whose page it was goes on."""
    mine = S3Journal(ready)
    mine.write(PAGE)
    put(ready, JOURNAL_KEY, body, Metadata={"fencing": "3"})
    seen = S3Journal(ready).read()
    assert seen is not None
    assert (3, True) == (seen.fencing, JOURNAL_KEY in seen.damage)
    mine.write(PAGE)
    assert PAGE == mine.read()


def test_every_cut_of_a_page_is_told_as_damage(ready: Session) -> None:
    """Every seventh byte in moto, fewer where it takes longer; tests/unit/aws cut at every one."""
    body = dump(PAGE)
    for length in range(0, len(body), 7 if ready.environment.cloud == "aws" else 97):
        put(ready, JOURNAL_KEY, body[:length])
        seen = S3Journal(ready).read()
        assert seen is not None, length
        assert seen.damage, length


def test_a_deleted_page_is_written_anew(ready: Session) -> None:
    """By the run whose page it was."""
    mine = S3Journal(ready)
    mine.write(PAGE)
    ready.s3.delete_object(Bucket=ready.environment.state_bucket, Key=JOURNAL_KEY)
    assert S3Journal(ready).read() is None
    mine.write(replace(PAGE, proven=True))
    assert replace(PAGE, proven=True) == S3Journal(ready).read()


def test_records_that_are_whole_are_left_alone(ready: Session) -> None:
    """Mending writes nothing then."""
    ledger = S3Ledger(ready)
    assert () == ledger.mend(())
    ledger.write(RECORD)
    before = ready.calls.get("s3.PutObject", 0)
    assert () == ledger.mend(())
    assert before == ready.calls.get("s3.PutObject", 0)


@pytest.mark.parametrize("body", WRONG)
def test_a_damaged_record_comes_back_from_its_last_whole_version(ready: Session, body: bytes) -> None:
    """The newest one that can be read."""
    ledger = S3Ledger(ready)
    ledger.write(replace(RECORD, outcome=None))
    ledger.write(RECORD)
    put(ready, f"{LEDGER_PREFIX}{RECORD.release}.json", body)
    put(ready, f"{LEDGER_PREFIX}{RECORD.release}.json", body + b" ")
    assert (RECORD.release,) == ledger.mend({RECORD.release})
    assert RECORD == ledger.find(RECORD.release)


def test_every_cut_of_a_record_is_mended(ready: Session) -> None:
    """Every seventh byte in moto, fewer where it takes longer; tests/unit/aws cut at every one."""
    ledger, body = S3Ledger(ready), record_body(RECORD)
    for length in range(0, len(body), 7 if ready.environment.cloud == "aws" else 97):
        release = f"dev-{length}"
        ledger.write(replace(RECORD, release=release))
        put(ready, f"{LEDGER_PREFIX}{release}.json", body[:length])
    cut = {record.release for record in ledger.history() if record.damaged}
    assert {record.release for record in ledger.history()} == cut == set(ledger.mend(cut))
    assert {Verdict.GOOD} == {record.outcome for record in ledger.history()}


def test_a_deleted_record_comes_back(ready: Session) -> None:
    """And one that was deleted after it had been damaged."""
    ledger = S3Ledger(ready)
    other = replace(RECORD, release="dev-2", started_at=values.STARTED + timedelta(minutes=1))
    for record in (RECORD, other):
        ledger.write(record)
    put(ready, f"{LEDGER_PREFIX}{other.release}.json", b"{")
    for record in (RECORD, other):
        key = f"{LEDGER_PREFIX}{record.release}.json"
        ready.s3.delete_object(Bucket=ready.environment.state_bucket, Key=key)
    assert () == ledger.history()
    assert {"dev-1", "dev-2"} == set(ledger.mend(()))
    assert (other, RECORD) == ledger.history()


def test_only_the_run_that_is_meant_is_asked_to_stop(ready: Session) -> None:
    """By its fencing number; a damaged wish is nobody's."""
    abort = S3Abort(ready)
    assert "" == abort.asked(3)
    abort.ask(3, "ben", "wrong commit")
    assert ["aborted by ben: wrong commit", "", ""] == [abort.asked(number) for number in (3, 2, 4)]
    abort.ask(4, "ben", "")
    assert ["", "aborted by ben"] == [abort.asked(number) for number in (3, 4)]
    put(ready, "abort.json", b"{")
    assert "" == abort.asked(4)
