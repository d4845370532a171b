"""Contact forms through the frontend, down to the row in Postgres and the object in S3."""

from __future__ import annotations

import json
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
from docker.models.containers import Container

from tests.images.conftest import s3_client
from tests.images.stack import API_TOKEN, FORMS_BUCKET, Stack, address, select, wait_for

BEARER = {"Authorization": f"Bearer {API_TOKEN}"}


def form(**changes: str) -> dict[str, str]:
    """A valid contact form."""
    return {
        "name": "Lakshmi N.",
        "email": "lakshmi@example.org",
        "topic": "services",
        "message": "Ten words, more or less: नमस्ते",
    } | changes


def key() -> dict[str, str]:
    """A fresh client key as a header."""
    return {"Idempotency-Key": str(uuid.uuid4())}


def rows(postgres: Container, client_key: str) -> list[str]:
    """Rows of the client key as id|stored."""
    query = "SELECT id, stored_at IS NOT NULL FROM forms WHERE client_key = current_setting('test.value')"
    return select(postgres, query, client_key)


def objects(s3: Any, form_id: str) -> list[str]:
    """Keys of the objects that hold the form."""
    listed = s3.list_objects_v2(Bucket=FORMS_BUCKET).get("Contents", [])
    return [entry["Key"] for entry in listed if form_id in entry["Key"]]


def test_a_form_is_in_postgres_and_in_s3_before_201(
    site: httpx.Client, services: dict[str, Container], s3: Any
) -> None:
    """The answer comes after both copies, and the API gives the form back to a caller with the token."""
    sent = key()
    answer = site.post("/api/forms", json=form(), headers=sent)
    assert answer.status_code == 201, answer.text
    form_id = answer.json()["id"]
    assert [f"{form_id}|t"] == rows(services["postgres"], sent["Idempotency-Key"])
    (name,) = objects(s3, form_id)
    stored = json.loads(s3.get_object(Bucket=FORMS_BUCKET, Key=name)["Body"].read())
    assert form() == {field: stored[field] for field in form()}
    read = site.get(f"/api/forms/{form_id}", headers=BEARER)
    assert (200, stored) == (read.status_code, read.json())


def test_twenty_duplicates_at_once_make_one_form(api: httpx.Client, services: dict[str, Container], s3: Any) -> None:
    """Exactly one request is told 201, the others 200, all with the same id; there is one row and one object."""
    sent = key()
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: api.post("/api/forms", json=form(), headers=sent), range(20)))
    assert {201: 1, 200: 19} == Counter(answer.status_code for answer in answers)
    (form_id,) = {answer.json()["id"] for answer in answers}
    assert [f"{form_id}|t"] == rows(services["postgres"], sent["Idempotency-Key"])
    assert 1 == len(objects(s3, form_id))


def test_the_same_key_with_other_contents_conflicts(api: httpx.Client) -> None:
    """409, and the first form stays as it was."""
    sent = key()
    first = api.post("/api/forms", json=form(), headers=sent)
    second = api.post("/api/forms", json=form(message="Something else entirely."), headers=sent)
    assert (201, 409) == (first.status_code, second.status_code)
    assert form()["message"] == api.get(f"/api/forms/{first.json()['id']}", headers=BEARER).json()["message"]


def test_reading_needs_the_token(api: httpx.Client) -> None:
    """401 without a token or with a wrong one, before anything is said about the form."""
    form_id = api.post("/api/forms", json=form(), headers=key()).json()["id"]
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {API_TOKEN}"}):
        answer = api.get(f"/api/forms/{form_id}", headers=headers)
        assert 401 == answer.status_code
        assert "Bearer" in answer.headers["WWW-Authenticate"]
    assert 404 == api.get(f"/api/forms/{uuid.uuid4()}", headers=BEARER).status_code


def test_no_201_while_s3_is_away_and_a_retry_completes(
    api: httpx.Client, stack: Stack, services: dict[str, Container]
) -> None:
    """Without S3 the answer is 503; sent again under the same key once S3 is back, the form is complete, once."""
    assert stack.network is not None
    sent = key()
    stack.network.disconnect(services["cloud"])
    try:
        refused = api.post("/api/forms", json=form(), headers=sent)
        health = api.get("/readyz")
    finally:
        stack.network.connect(services["cloud"], aliases=["cloud"])
    assert (503, "5") == (refused.status_code, refused.headers["Retry-After"])
    assert {"database": True, "cache": True, "bucket": False} == {
        name: check["ok"] for name, check in health.json()["checks"].items()
    }
    completed = api.post("/api/forms", json=form(), headers=sent)
    assert 201 == completed.status_code, completed.text
    assert [f"{completed.json()['id']}|t"] == rows(services["postgres"], sent["Idempotency-Key"])
    # Connecting it again gave the container another published port.
    assert 1 == len(objects(s3_client(address(services["cloud"], 4566)), completed.json()["id"]))


def test_nothing_a_visitor_typed_is_logged(api: httpx.Client, backend: Container) -> None:
    """Log lines are JSON with the request's id and without name, address, message or token."""
    request_id = f"log-test-{uuid.uuid4()}"
    secret_words = form(name="Zebulon Quux", email="zebulon@quux.example", message="The word is xylophone-42.")
    made = api.post("/api/forms", json=secret_words, headers=key() | {"X-Request-Id": request_id})
    assert request_id == made.headers["X-Request-Id"]
    api.get(f"/api/forms/{made.json()['id']}?note=xylophone-42", headers=BEARER)
    wait_for("the second request in the log", lambda: b'"GET", "path": "/api/forms/' in backend.logs())
    lines = backend.logs().decode().splitlines()
    mine = [line for line in map(json.loads, lines) if line.get("request_id") == request_id]
    assert {"form stored", "request"} == {line["message"] for line in mine}
    log = "\n".join(lines)
    assert [] == [word for word in ("Zebulon", "quux.example", "xylophone", API_TOKEN) if word in log]
