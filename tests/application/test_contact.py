"""The contact form's fields: what is taken, what is refused, and that a refusal never repeats what was typed."""

from __future__ import annotations

import json

import pytest

from app.contact import parse
from app.problems import Problem

KEY = "0f6d2f0a-5a8e-4a63-9d5c-0f4a6f0e9b11"
GOOD = {"name": "Asha", "email": "asha@example.org", "topic": "services", "message": "Hello, dear people."}


def refused(fields: object, key: str | None = KEY) -> Problem:
    """Return the problem that FIELDS give."""
    with pytest.raises(Problem) as caught:
        parse(json.dumps(fields).encode(), key)
    return caught.value


def wrong_fields(problem: Problem) -> set[str]:
    """Names of the fields that the problem is about."""
    errors = problem.members["errors"]
    assert isinstance(errors, list)
    return {error["field"] for error in errors}


def test_a_good_form_is_taken_and_trimmed() -> None:
    """Spaces around values go; line ends become one kind; letters of any script stay."""
    key, form = parse(json.dumps(GOOD | {"name": "  आशा ", "message": "Line one\r\nline two"}).encode(), KEY)
    assert (KEY, "आशा", "Line one\nline two") == (key, form.name, form.message)


def test_the_key_may_come_in_the_body() -> None:
    """`client_key` serves clients that cannot set headers; the two must agree."""
    assert KEY == parse(json.dumps(GOOD | {"client_key": KEY}).encode(), None)[0]
    assert KEY == parse(json.dumps(GOOD | {"client_key": KEY}).encode(), KEY)[0]
    assert {"client_key"} == wrong_fields(refused(GOOD | {"client_key": "another-key-of-16"}))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "   "),
        ("name", "x" * 101),
        ("name", "Asha\nBcc: all@example.org"),
        ("email", "asha"),
        ("email", "asha@example"),
        ("email", "asha@example.org\nBcc: x@example.org"),
        ("email", "a b@example.org"),
        ("email", "a\x00b@example.org"),
        ("email", "asha@-example.org"),
        ("email", "a" * 250 + "@example.org"),
        ("topic", "money"),
        ("message", "too short"),
        ("message", "x" * 5001),
        ("message", "with a NUL \x00 inside"),
        ("message", 12345678901),
        ("message", None),
        ("name", ["Asha"]),
        ("topic", {"a": "services"}),
        ("message", "half a character \ud800"),
    ],
)
def test_bad_values_are_refused(field: str, value: object) -> None:
    """422 names exactly the field, and gives back nothing of its value."""
    problem = refused(GOOD | {field: value})
    assert (422, {field}) == (problem.status, wrong_fields(problem))
    if isinstance(value, str) and len(value.strip()) > 3:
        assert value not in json.dumps(problem.members, ensure_ascii=False)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "x" * 100),
        ("email", "a@" + "b" * 60 + ("." + "c" * 60) * 3 + ".org"),
        ("message", "x" * 10),
        ("message", " " + "x" * 5000 + " "),
    ],
)
def test_limits_are_within(field: str, value: str) -> None:
    """The shortest and the longest that a field may be are taken, spaces around them not counted."""
    assert value.strip() == getattr(parse(json.dumps(GOOD | {field: value}).encode(), KEY)[1], field)


def test_a_mistake_says_what_to_do() -> None:
    """In words for a person who fills in the form."""
    errors = refused({"name": "", "topic": "money", "message": "short", "colour": "red"}).members["errors"]
    assert isinstance(errors, list)
    assert {
        "email": "is required",
        "name": "must have at least 1 character",
        "topic": "must be one of services, partnership, careers, press, other",
        "message": "must have at least 10 characters",
        "colour": "is not a field of this form",
    } == {error["field"]: error["message"] for error in errors}


def test_all_mistakes_are_named_at_once() -> None:
    """One answer is enough to correct everything, unknown fields and the key included."""
    assert {"name", "email", "topic", "message", "extra", "client_key"} == wrong_fields(refused({"extra": 1}, None))


@pytest.mark.parametrize("name", ["\ud800", "x" * 5000, "é\n"])
def test_a_field_of_any_name_can_be_answered(name: str) -> None:
    """Halves of characters cannot be sent back, and nobody has to read pages of his own."""
    [error] = refused(GOOD | {name: 1}).members["errors"]  # type: ignore[misc]
    assert len(error["field"].encode("ascii")) <= 40


@pytest.mark.parametrize("key", ["short", "x" * 65, "spaces are not good", "drop'table;--xxxxx", ""])
def test_keys_have_a_form(key: str) -> None:
    """16 to 64 letters, digits, - and _."""
    assert {"client_key"} == wrong_fields(refused(GOOD, key))


@pytest.mark.parametrize("body", [b"", b"{", b"[1]", b'"text"', b"\xff\xfe", b"[" * 200_000])
def test_what_is_no_json_object_is_a_bad_request(body: bytes) -> None:
    """400, also for nesting that would exhaust the parser."""
    with pytest.raises(Problem) as caught:
        parse(body, KEY)
    assert 400 == caught.value.status


def test_fingerprints_tell_contents_apart() -> None:
    """Equal for the same contents whatever their order, different for any other."""
    forms = [
        parse(json.dumps(fields).encode(), KEY)[1]
        for fields in (GOOD, dict(reversed(GOOD.items())), GOOD | {"name": "Usha"})
    ]
    assert forms[0].fingerprint() == forms[1].fingerprint() != forms[2].fingerprint()
