"""The contact form: its fields, their limits, and what makes two submissions the same."""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Final

from app.problems import Problem

# One line of text without control characters: it may end up in a mail header.
_EMAIL: Final = re.compile(
    r"[^\s@<>\"(),:;\[\\\]]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}"
)
TOPICS: Final = ("services", "partnership", "careers", "press", "other")
CLIENT_KEY: Final = re.compile(r"[A-Za-z0-9_-]{16,64}")


@dataclass(frozen=True, slots=True)
class ContactForm:
    """What a visitor sends, as `parse` makes it: trimmed, line ends of one kind, within the limits of its fields."""

    name: str
    email: str
    topic: str
    message: str

    def fingerprint(self) -> str:
        """Return the SHA-256 of the contents: equal for a repeated submission, different for another one."""
        text = json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


def _name(text: str) -> str:
    return "" if text.isprintable() else "must be one line of plain text"


def _email(text: str) -> str:
    return "" if text.isprintable() and _EMAIL.fullmatch(text) else "must be an email address such as name@example.org"


def _topic(text: str) -> str:
    return "" if text in TOPICS else f"must be one of {', '.join(TOPICS)}"


def _message(text: str) -> str:
    # Postgres cannot hold NUL in text; refusing it here is kinder than a database error.
    return "must not contain NUL characters" if "\x00" in text else ""


@dataclass(frozen=True, slots=True)
class Rule:
    """What one field must be: its length in characters after trimming, and what else `complaint` says of it."""

    shortest: int
    longest: int
    complaint: Callable[[str], str]

    def broken_by(self, value: object) -> str:
        """Say what is wrong with VALUE, never what it is; nothing when all is well."""
        if not isinstance(value, str):
            return "must be text"
        try:
            value.encode()
        except UnicodeEncodeError:
            return "must not contain halves of characters"
        text = value.strip()
        if len(text) < self.shortest:
            return f"must have at least {self.shortest} character{'s' if self.shortest > 1 else ''}"
        if len(text) > self.longest:
            return f"must have at most {self.longest} characters"
        return self.complaint(text)


RULES: Final = {
    "name": Rule(1, 100, _name),
    "email": Rule(1, 254, _email),
    "topic": Rule(1, 20, _topic),
    "message": Rule(10, 5000, _message),
}
"""The fields of the form; its page names the same limits."""


def _mistakes(fields: Mapping[str, object]) -> list[dict[str, str]]:
    """Everything that is wrong with FIELDS, so that one answer is enough to correct it."""
    missing = [(name, "is required") for name in RULES if name not in fields]
    found = [(name, rule.broken_by(fields[name])) for name, rule in RULES.items() if name in fields]
    # A name is repeated as far as it can be read: it need not even be a text that can be sent back.
    unknown = [
        (name[:40].encode("ascii", "replace").decode(), "is not a field of this form")
        for name in fields
        if name not in RULES
    ]
    return [{"field": name, "message": text} for name, text in missing + found + unknown if text]


def parse(body: bytes, header_key: str | None) -> tuple[str, ContactForm]:
    """Return (client key, form) of a request; the key comes from the Idempotency-Key header or the body's client_key.

    Raises Problem: 400 when BODY is not a JSON object, 422 naming every field that is wrong (never its value).
    """
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Problem(400, "The body is not JSON.") from error
    if not isinstance(fields, dict):
        raise Problem(400, "The body is not a JSON object.")
    body_key = fields.pop("client_key", None)
    wrong: list[dict[str, str]] = []
    key = header_key if header_key is not None else body_key
    if not isinstance(key, str) or not CLIENT_KEY.fullmatch(key):
        wrong.append({"field": "client_key", "message": "must be 16 to 64 letters, digits, - or _ (a UUID is fine)"})
    elif body_key not in (None, key):
        wrong.append({"field": "client_key", "message": "differs from the Idempotency-Key header"})
    wrong += _mistakes(fields)
    if wrong or not isinstance(key, str):
        raise Problem(422, "Some fields need another look.", members={"errors": wrong})
    texts = {name: fields[name].strip() for name in RULES}
    return key, ContactForm(**texts | {"message": texts["message"].replace("\r\n", "\n")})
