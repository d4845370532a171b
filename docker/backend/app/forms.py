"""POST /api/forms and GET /api/forms/{id}.

A form counts as received once it is in Postgres AND in S3, in this order: claim the client key (a row without
`stored_at`), write the object (its name and contents follow from the row, so writing it again changes nothing), set
`stored_at`, answer. Whatever fails in between, the same request sent again picks up where it stopped.
"""

import hashlib
import hmac
import json
import logging
import uuid
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse

from app import contact, metrics
from app.database import Database, StoredForm
from app.errors import Away
from app.objects import Objects
from app.problems import Problem, unavailable
from app.rate_limit import RateLimit
from app.settings import Secret

log = logging.getLogger("app.forms")
MAX_BODY_BYTES: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Forms:
    """The form endpoints and what they need."""

    database: Database
    objects: Objects
    bucket: str
    limit: RateLimit
    token: Secret

    async def create_form(self, request: Request) -> JSONResponse:
        """Store a contact form: 201 for the request that completed it, 200 for each repetition, same id.

        Problems: 400, 413, 422 for what was sent; 409 when the key was used for other contents; 429; 503 to retry.
        """
        await self.limit.check(request)
        body = await read_body(request, MAX_BODY_BYTES)
        key, form = contact.parse(body, request.headers.get("idempotency-key"))
        try:
            stored, created = await self.submit(key, form)
        except Away as error:
            metrics.FORMS.labels("unavailable").inc()
            log.error("form not stored", extra={"error": str(error)})
            raise unavailable("Your message could not be stored just now. Please send it again.") from error
        metrics.FORMS.labels("created" if created else "replayed").inc()
        log.info("form stored", extra={"form_id": stored.id, "replay": not created})
        location = {"Location": f"/api/forms/{stored.id}"}
        return JSONResponse({"id": str(stored.id)}, 201 if created else 200, location)

    async def submit(self, key: str, form: contact.ContactForm) -> tuple[StoredForm, bool]:
        """Bring FORM into Postgres and S3 under KEY; return (row, whether this call completed it).

        Raises Problem 409, DatabaseAway, ObjectsAway.
        """
        row = await self.database.claim(key, form)
        if not hmac.compare_digest(row.fingerprint, form.fingerprint()):
            metrics.FORMS.labels("conflict").inc()
            raise Problem(409, "This client key was already used for another message. Use a new key.")
        if row.stored_at is not None:
            return row, False
        await self.objects.put(self.bucket, object_key(row), document(row), "application/json", {})
        return row, await self.database.mark_stored(row.id)

    async def read_form(self, request: Request) -> JSONResponse:
        """Return one form to a caller with the API token; 401 without it, 404 when there is no such form."""
        await self.limit.check(request)
        require_token(request, self.token)
        try:
            form_id = uuid.UUID(request.path_params["id"])
        except ValueError as error:
            raise Problem(404, "There is no such form.") from error
        try:
            row = await self.database.find(form_id)
        except Away as error:
            log.error("form not read", extra={"error": str(error)})
            raise unavailable("The form could not be read just now.") from error
        if row is None:
            raise Problem(404, "There is no such form.")
        return JSONResponse(public(row))


def object_key(row: StoredForm) -> str:
    """Return the S3 key of ROW: by day of submission, so that one can list and expire by date."""
    return f"forms/{row.created_at:%Y/%m/%d}/{row.id}.json"


def public(row: StoredForm) -> dict[str, str]:
    """Return the contents of ROW as JSON values; the client key stays inside."""
    return {
        "id": str(row.id),
        "name": row.name,
        "email": row.email,
        "topic": row.topic,
        "message": row.message,
        "created_at": row.created_at.isoformat(),
    }


def document(row: StoredForm) -> bytes:
    """Return the S3 object of ROW: the same bytes each time, so that a repeated write changes nothing."""
    return json.dumps(public(row), sort_keys=True, ensure_ascii=False).encode()


def require_token(request: Request, token: Secret) -> None:
    """Raise Problem 401 unless REQUEST bears TOKEN; digests are compared, so neither content nor length is timed."""
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    expected = hashlib.sha256(token.reveal().encode()).digest()
    matches = hmac.compare_digest(hashlib.sha256(given.strip().encode()).digest(), expected)
    if scheme.lower() != "bearer" or not matches:
        raise Problem(401, "This needs a valid token.", headers={"WWW-Authenticate": 'Bearer realm="forms"'})


async def read_body(request: Request, limit: int) -> bytes:
    """Return the whole body; raises Problem 413 beyond LIMIT bytes without reading on."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise Problem(413, f"The body is larger than {limit // 1024} KiB.")
    return bytes(body)
