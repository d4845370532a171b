"""The contact form: its fields, their limits, and what makes two submissions the same."""

import hashlib
import json
import re
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints, ValidationError

from app.problems import Problem

# One line of text without control characters: it may end up in a mail header.
_EMAIL: Final = re.compile(
    r"[^\s@<>\"(),:;\[\\\]]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}"
)
CLIENT_KEY: Final = re.compile(r"[A-Za-z0-9_-]{16,64}")


def _one_line(text: str) -> str:
    if not text.isprintable():
        raise ValueError("must be one line of plain text")
    return text


def _address(text: str) -> str:
    if not _EMAIL.fullmatch(text):
        raise ValueError("must be an email address such as name@example.org")
    return text


def _no_nul(text: str) -> str:
    # Postgres cannot hold NUL in text; refusing it here is kinder than a database error.
    if "\x00" in text:
        raise ValueError("must not contain NUL characters")
    return text.replace("\r\n", "\n")


class ContactForm(BaseModel):
    """What a visitor sends. Lengths are in characters after trimming."""

    model_config = ConfigDict(str_strip_whitespace=True, extra="forbid", frozen=True)

    name: Annotated[str, StringConstraints(min_length=1, max_length=100), AfterValidator(_one_line)]
    email: Annotated[str, StringConstraints(max_length=254), AfterValidator(_address)]
    topic: Literal["services", "partnership", "careers", "press", "other"]
    message: Annotated[str, StringConstraints(min_length=10, max_length=5000), AfterValidator(_no_nul)]

    def fingerprint(self) -> str:
        """Return the SHA-256 of the contents: equal for a repeated submission, different for another one."""
        text = json.dumps(self.model_dump(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


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
    form = None
    try:
        form = ContactForm.model_validate(fields)
    except ValidationError as error:
        for item in error.errors(include_url=False, include_context=False, include_input=False):
            where = ".".join(str(part) for part in item["loc"])
            wrong.append({"field": where, "message": item["msg"].removeprefix("Value error, ")})
    if wrong or form is None or not isinstance(key, str):
        raise Problem(422, "Some fields need another look.", members={"errors": wrong})
    return key, form
