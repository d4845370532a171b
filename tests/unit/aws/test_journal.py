"""The journal's bytes: every cut of them is noticed."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from deployer.aws.journal import S3Journal, damaged, dump, load
from deployer.errors import StateUncertain, Unreachable
from deployer.journal_page import Entry, Found, Page
from deployer.model import Color, Verdict
from tests.unit.aws import values

ENTRY = Entry(1, "scale", "frontend green runs 0", values.STARTED, "done", values.STARTED)
PAGE = Page(
    release="dev-20260102T030405Z-0123456",
    kind="rollback",
    actor="ana@example.com",
    fencing=7,
    began_at=values.STARTED,
    commit=values.COMMIT,
    restores="dev-20260101T000000Z-7654321",
    color=Color.GREEN,
    weights={Color.BLUE: 90, Color.GREEN: 10},
    revisions=(Found("frontend", Color.BLUE, "arn:1", "dev-1", 2),),
    entries=(ENTRY,),
    proven=True,
    outcome=Verdict.GOOD,
    exit_code=0,
    ended_at=values.STARTED,
)


def test_a_page_comes_back_as_written() -> None:
    """Every field, with its type."""
    assert PAGE == load(dump(PAGE))
    assert isinstance(load(dump(PAGE)).color, Color)
    assert [Color.BLUE, Color.GREEN] == list(load(dump(PAGE)).weights)


@pytest.mark.parametrize("page", [PAGE, replace(PAGE, ended_at=None, entries=())])
def test_every_cut_is_noticed(page: Page) -> None:
    """No beginning of it passes for a page."""
    body = dump(page)
    for length in range(len(body)):
        with pytest.raises(ValueError, match=r"."):
            load(body[:length])


@pytest.mark.parametrize("body", [b"null", b"[]", b"{}", b"\xff", b'{"schema_version": 1}'])
def test_what_is_no_page_is_noticed(body: bytes) -> None:
    """Whatever it is."""
    with pytest.raises(ValueError, match=r"."):
        load(body)


def test_keys_of_later_versions_are_ignored() -> None:
    """An older checkout reads what a newer one wrote."""
    newer = json.loads(dump(PAGE)) | {"schema_version": 2, "approvals": ["ben"]}
    assert PAGE == load(json.dumps(newer).encode())


def test_of_a_damaged_page_the_number_is_known() -> None:
    """It stands in the object's metadata as well."""
    seen = damaged("it is empty", {"fencing": "41"}, values.STARTED)

    assert (41, True, True) == (seen.fencing, "it is empty" in seen.damage, seen.open)
    assert 0 == damaged("it is empty", {"fencing": "x"}, values.STARTED).fencing


class Bucket:
    """An object's place that never answers, or that holds a page of a newer run; counts what it is asked."""

    def __init__(self, held: Page | None = None) -> None:
        self.held = held
        self.asked = 0

    def put_object(self, **_: object) -> None:
        """Refuse, or do not answer."""
        self.asked += 1
        if self.held is None:
            raise ReadTimeoutError(endpoint_url="https://s3")
        raise ClientError({"Error": {"Code": "PreconditionFailed"}}, "PutObject")

    def get_object(self, **_: object) -> dict[str, object]:
        """Answer with the page, or do not answer."""
        self.asked += 1
        if self.held is None:
            raise ReadTimeoutError(endpoint_url="https://s3")
        return {"Body": io.BytesIO(dump(self.held)), "ETag": "2", "LastModified": values.STARTED}


@pytest.mark.parametrize("once", [True, False])
def test_what_visitors_wait_for_is_asked_of_the_hasty_client(once: bool) -> None:
    """The one that gives up within two seconds and repeats nothing."""
    hasty, patient = Bucket(), Bucket()
    session: Any = SimpleNamespace(environment=values.environment(), s3_once=hasty, s3_brief=patient)
    with pytest.raises(Unreachable):
        S3Journal(session).write(PAGE, once=once)

    assert (int(once), int(not once)) == (hasty.asked, patient.asked)


def test_a_hasty_write_does_not_overwrite_a_newer_run_either() -> None:
    """S3 was not waited for, but it has answered."""
    newer = Bucket(replace(PAGE, fencing=8, actor="ben"))
    session: Any = SimpleNamespace(environment=values.environment(), s3_once=newer, s3_brief=None)
    with pytest.raises(StateUncertain, match="ben"):
        S3Journal(session).write(PAGE, once=True)
