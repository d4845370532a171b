"""The contact form makes the whole round: visitor, load balancer, both services, Postgres, S3, and back."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from deployer.model import Secret
from tests.containers.deployment import Deployment
from tests.containers.site import Site

if TYPE_CHECKING:
    from testinfra.host import Host

_QUERY = """
import asyncio, asyncpg, json, sys
async def main(query, form):
    connection = await asyncpg.connect(timeout=5)
    row = await connection.fetchrow(query, form)
    print(json.dumps(row and list(row)))
    await connection.close()
asyncio.run(main(*sys.argv[1:]))
"""


@dataclass(frozen=True, slots=True)
class Sent:
    """A form that was sent, the key it was sent under, and the id it got."""

    id: str
    key: str
    fields: Mapping[str, str]


@pytest.fixture(scope="module")
def sent(site: Site, deployment: Deployment) -> Iterator[Sent]:
    """Send a form that says what it is; where we can, take it away again afterwards."""
    bucket = _bucket(deployment)  # nothing is sent to a release that is not there
    key = uuid.uuid4().hex
    fields = {
        "name": "Smoke test",
        "email": "smoke-test@example.com",
        "topic": "other",
        "message": f"Smoke test of {deployment.release}, run {key}. Please ignore.",
    }
    answer = site.post("/api/forms", fields, {"Idempotency-Key": key})
    assert 201 == answer.status_code, answer.text[:300]
    form = Sent(str(uuid.UUID(answer.json()["id"])), key, fields)
    yield form
    deployment.remove_object(bucket, "forms/", f"{form.id}.json")
    if deployment.cloud == "local":
        _ask_postgres(_backend(deployment), "DELETE FROM forms WHERE id = $1", form.id)


def test_same_form_again_is_the_same_form(site: Site, sent: Sent) -> None:
    """A browser that retries does not send the message twice."""
    answer = site.post("/api/forms", sent.fields, {"Idempotency-Key": sent.key})
    assert 200 == answer.status_code
    assert sent.id == answer.json()["id"]


def test_form_is_read_back_with_the_token(site: Site, deployment: Deployment, sent: Sent) -> None:
    """The backend's own answer, from Postgres: on AWS this is the way to look into the database."""
    token = deployment.secret(deployment.service("backend").secrets["API_TOKEN"])
    answer = site.get(f"/api/forms/{sent.id}", {"Authorization": Secret(f"Bearer {token.reveal()}")})
    assert 200 == answer.status_code
    assert sent.fields == {name: answer.json()[name] for name in sent.fields}


def test_form_is_not_read_without_the_token(site: Site, sent: Sent) -> None:
    """What visitors write is not for everybody."""
    assert 401 == site.get(f"/api/forms/{sent.id}").status_code
    assert 401 == site.get(f"/api/forms/{sent.id}", {"Authorization": "Bearer wrong"}).status_code


def test_form_is_in_s3(deployment: Deployment, sent: Sent) -> None:
    """The object was there before the visitor got an answer."""
    stored = deployment.stored_object(_bucket(deployment), "forms/", f"{sent.id}.json")
    assert stored is not None
    contents = json.loads(stored)
    assert sent.fields == {name: contents[name] for name in sent.fields}


@pytest.mark.containers
def test_form_is_in_postgres(deployment: Deployment, sent: Sent) -> None:
    """The row is there and is marked as stored; asked with plain SQL, not through the application."""
    query = "SELECT name, email, topic, message, stored_at IS NOT NULL FROM forms WHERE id = $1"
    row = _ask_postgres(_backend(deployment), query, sent.id)
    assert [*sent.fields.values(), True] == row


@pytest.mark.parametrize(
    ("change", "field"),
    [({"email": "no address"}, "email"), ({"message": "short"}, "message"), ({"topic": "x"}, "topic")],
)
def test_malformed_form_is_refused(site: Site, change: Mapping[str, str], field: str) -> None:
    """Nonsense is refused, and the field that is wrong is named."""
    fields = {"name": "Smoke test", "email": "a@example.com", "topic": "other", "message": "Long enough to be sent."}
    answer = site.post("/api/forms", {**fields, **change}, {"Idempotency-Key": uuid.uuid4().hex})
    assert 422 == answer.status_code
    assert [field] == [error["field"] for error in answer.json()["errors"]]


def _bucket(deployment: Deployment) -> str:
    return deployment.service("backend").environment["FORMS_BUCKET"]


def _backend(deployment: Deployment) -> Host:
    import testinfra

    return testinfra.get_host(f"docker://{deployment.containers('backend')[0].id}")


def _ask_postgres(backend: Host, query: str, form: str) -> Any:
    """Run SQL with the backend's driver and credentials: its container is the one place that can reach the database."""
    return json.loads(backend.check_output("python3 -c %s %s %s", _QUERY, query, form))
