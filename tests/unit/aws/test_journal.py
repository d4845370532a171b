"""The journal's bytes: every cut of them is noticed."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from deployer.aws.journal import damaged, dump, load
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
