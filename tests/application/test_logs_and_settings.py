"""What the log says and never says; what a wrong environment says."""

from __future__ import annotations

import json
import logging
import traceback

import httpx
import pytest

from app import logs
from app.settings import Secret, SettingsError, load, read_build
from tests.application.fakes import TOKEN, World
from tests.application.test_contact import GOOD, KEY

ENV = {
    "PGHOST": "db", "PGDATABASE": "indivillage", "PGUSER": "app", "PGPASSWORD": "pw-of-the-database",
    "REDIS_URL": "rediss://:pw-of-the-cache@cache:6379/0", "FORMS_BUCKET": "forms", "UPLOADS_BUCKET": "uploads",
    "AWS_REGION": "ap-south-1", "API_TOKEN": "token-of-the-settings-test",
}  # fmt: skip


@pytest.mark.anyio
@pytest.mark.usefixtures("restored_logging")
async def test_a_request_is_one_line_without_its_contents(
    api: httpx.AsyncClient, capsys: pytest.CaptureFixture[str]
) -> None:
    """JSON with id, path and status; no query, no form, no token, no file name."""
    logs.configure()
    await api.post(
        "/api/forms?mail=asha@example.org", json=GOOD, headers={"Idempotency-Key": KEY, "X-Request-Id": "request-0001"}
    )
    await api.get("/api/forms/x", headers={"Authorization": f"Bearer {TOKEN}"})
    await api.post("/api/uploads?filename=asha-kumari.pdf", content=b"nope")
    await api.get("/healthz")
    written = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    # The test's own HTTP client logs too.
    lines = [line for line in written if line["logger"].startswith("app")]
    out = json.dumps(lines, ensure_ascii=False)
    requests = [line for line in lines if line["message"] == "request"]
    assert ["/api/forms", "/api/forms/x", "/api/uploads"] == [line["path"] for line in requests]
    assert {
        "time",
        "level",
        "logger",
        "message",
        "request_id",
        "method",
        "path",
        "status",
        "duration_ms",
        "client_ip",
    } <= requests[0].keys()
    assert ("request-0001", 201, "192.0.2.1") == tuple(
        requests[0][name] for name in ("request_id", "status", "client_ip")
    )
    assert [] == [word for word in (*GOOD.values(), "asha", TOKEN, KEY) if word in out and word != "services"]


@pytest.mark.anyio
async def test_bad_request_ids_are_replaced(api: httpx.AsyncClient) -> None:
    """What could break a log line or a header is not taken over."""
    for given in ("short", "has spaces in it", 'quote"quote"', "x" * 129):
        answer = await api.get("/healthz", headers={"X-Request-Id": given})
        assert given != answer.headers["X-Request-Id"]
        assert 32 == len(answer.headers["X-Request-Id"])


def test_exceptions_are_logged_without_their_message() -> None:
    """Type and place help to find a bug; the message may quote a visitor."""

    def store() -> None:
        raise ValueError("Key (email)=(asha@example.org) already exists")

    with pytest.raises(ValueError, match="email") as caught:
        store()
    record = logging.LogRecord("app", logging.ERROR, __file__, 1, "unexpected error", None, caught._excinfo)
    line = json.loads(logs.JsonFormatter().format(record))
    assert ("ValueError", True) == (line["exception"], __file__ in line["at"][-1])
    assert "asha" not in json.dumps(line)


def test_unknown_fields_are_dropped() -> None:
    """A careless `extra` cannot carry a form into the log."""
    record = logging.makeLogRecord({"msg": "form stored", "email": "asha@example.org", "form_id": "7"})
    assert ("7", False) == ((line := json.loads(logs.JsonFormatter().format(record)))["form_id"], "email" in line)


def test_secrets_do_not_show() -> None:
    """Neither in repr, format, nor in the traceback of an error that holds the settings."""
    settings = load(ENV)
    shown = f"{settings!r} {settings.api_token} {settings.redis_url!s:>10} {[settings.api_token]}"
    shown += "".join(traceback.format_exception(RuntimeError(settings)))
    assert [] == [secret for secret in ("token-of-the-settings-test", "pw-of-the-cache") if secret in shown]
    assert "token-of-the-settings-test" == settings.api_token.reveal()
    assert "***" == repr(Secret("x"))


def test_defaults_are_those_of_the_deployment() -> None:
    """Three proxies in front, 120 requests a minute, idle connections kept longer than the load balancer's 60 s."""
    settings = load(ENV)
    assert (3, 120, 75, 8080, None) == (
        settings.trusted_hops, settings.rate_limit_per_minute, settings.keep_alive_s, settings.port,
        settings.endpoint_url,
    )  # fmt: skip


def test_all_that_is_wrong_is_named_at_once() -> None:
    """One error with every variable, and no value in it."""
    wrong = ENV | {
        "PGHOST": "",
        "PORT": "70000",
        "RATE_LIMIT_PER_MINUTE": "-1",
        "API_TOKEN": "tiny-token",
        "REDIS_URL": "cache",
    }
    del wrong["FORMS_BUCKET"]
    with pytest.raises(SettingsError) as caught:
        load(wrong)
    message = str(caught.value)
    named = ("PGHOST", "PORT", "RATE_LIMIT_PER_MINUTE", "API_TOKEN", "REDIS_URL", "FORMS_BUCKET")
    assert [] == [name for name in named if name not in message]
    assert [] == [value for value in ("70000", "tiny-token") if value in message]


def test_what_the_deployment_did_not_say_is_unknown() -> None:
    """Never a guess, never a missing key."""
    expected = dict.fromkeys(("environment", "release", "commit", "color", "image_digest"), "unknown") | {
        "service": "backend"
    }
    assert expected == read_build({}).to_json()


def test_the_world_is_wired_as_the_application_is(world: World) -> None:
    """The fakes stand behind the very routes that the image serves."""
    paths = {getattr(route, "path", "") for route in world.app().routes}
    assert {"/api/forms", "/api/forms/{id}", "/api/uploads", "/api/version", "/healthz", "/readyz", "/metrics"} == paths
