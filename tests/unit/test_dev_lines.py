"""Log lines of `inv dev`: for people, and without what the reload itself causes."""

from __future__ import annotations

import json

import pytest

from deployer.dev_lines import USER_AGENT, readable


def line(**fields: object) -> str:
    """One line as the containers log it."""
    return json.dumps({"level": "info", "logger": "app", "message": "request", **fields})


@pytest.mark.parametrize("text", ["plain text", "42", "null", "[1]", "{half"])
def test_what_is_no_record_is_shown_as_it_is(text: str) -> None:
    """A traceback, a print."""
    assert text == readable(f"{text}\r")


def test_a_request_is_one_short_line() -> None:
    """Method, path, status."""
    assert "info request POST /api/forms 201" == readable(line(method="POST", path="/api/forms", status=201))


def test_an_error_names_the_lines_of_the_source() -> None:
    """Below each other, in the column of the text."""
    said = line(level="error", message="boom", exception="KeyError", at=["a.py:1 f", "b.py:2 g"])

    assert "error boom KeyError\n         |   a.py:1 f\n         |   b.py:2 g" == readable(said)


@pytest.mark.parametrize(
    "said",
    [
        line(logger="uvicorn.error", message="Uvicorn running on http://0.0.0.0:8081"),
        line(logger="nginx.access", path="/api/forms", status=200),
        line(logger="nginx.access", path="/api/version", status=503, user_agent=USER_AGENT),
        line(logger="nginx.access", path="/assets/dev-state.txt", status=200),
        line(logger="nginx.access", path="/healthz", status="200"),
        "2026/01/01 00:00:00 [error] 1#1: connect() failed (111) while connecting to upstream, client: 1.2.3.4",
    ],
)
def test_what_nobody_needs_to_see_is_left_out(said: str) -> None:
    """Said twice, or asked by ourselves."""
    assert "" == readable(said)


@pytest.mark.parametrize(
    "said", [line(logger="nginx.access", path="/api/forms", status=503), line(logger="uvicorn", level="error")]
)
def test_what_went_wrong_is_not(said: str) -> None:
    """A request that found no backend, a server that complains."""
    assert "" != readable(said)
