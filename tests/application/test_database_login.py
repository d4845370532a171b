"""The database's password is read when a connection is made: RDS replaces it while tasks run."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError

from app import database_login
from app.database_login import StoredLogin
from app.settings import load
from tests.application.test_logs_and_settings import ENV

ARN = "arn:aws:secretsmanager:ap-south-1:123456789012:secret:rds!db-1"


class Secrets:
    """Stands in for Secrets Manager: gives each answer once, in turn; exceptions are raised."""

    def __init__(self, *answers: object) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    def get_secret_value(self, SecretId: str) -> Any:  # noqa: N803 - botocore's name
        """Give the next answer."""
        self.asked.append(SecretId)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return {"SecretString": answer}


def held(password: str) -> str:
    """What RDS keeps in its secret."""
    return json.dumps({"username": "indivillage", "password": password})


def test_each_connection_signs_in_with_what_the_secret_holds_then() -> None:
    """A password that was replaced in between opens the next connection."""
    secrets = Secrets(held("first"), held("second"))
    login = StoredLogin(ARN, "ap-south-1", secrets)

    assert {"user": "indivillage", "password": "first"} == login.read()
    assert {"user": "indivillage", "password": "second"} == login.read()
    assert [ARN, ARN] == secrets.asked


@pytest.mark.parametrize(
    "failure",
    [
        ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "GetSecretValue"),
        ConnectTimeoutError(endpoint_url="https://secretsmanager"),
        "no JSON",
        '"hunter2"',
        '{"username": "indivillage"}',
    ],
)
def test_without_an_answer_the_last_login_counts(failure: object, caplog: pytest.LogCaptureFixture) -> None:
    """And before there was one what ECS handed over; the log says why, and holds no secret."""
    login = StoredLogin(ARN, "ap-south-1", Secrets(failure, held("first"), failure))

    with caplog.at_level(logging.WARNING):
        assert {} == login.read()
        assert "first" == login.read()["password"]
        assert "first" == login.read()["password"]
    assert ["the database's secret was not read"] * 2 == caplog.messages
    assert "hunter2" not in caplog.text
    assert "first" not in caplog.text


@pytest.mark.anyio
async def test_a_connection_does_not_wait_for_a_slow_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """The last login counts, as without an answer; the one that came too late serves the next connection."""
    monkeypatch.setattr(database_login, "_WAIT_S", 0.05)
    answered, arrived = threading.Event(), threading.Event()

    class Slow(Secrets):
        """Secrets Manager on a bad day."""

        def get_secret_value(self, SecretId: str) -> Any:  # noqa: N803 - botocore's name
            answered.wait(10)
            return super().get_secret_value(SecretId)

    class Login(StoredLogin):
        """Says when it has read."""

        def read(self) -> Mapping[str, str]:
            try:
                return super().read()
            finally:
                arrived.set()

    login = Login(ARN, "ap-south-1", Slow(held("first"), held("second")))
    assert {} == await login.read_async()
    answered.set()
    assert arrived.wait(10)
    monkeypatch.setattr(database_login, "_WAIT_S", 10)
    assert "first" == login._known["password"]
    assert "second" == (await login.read_async())["password"]


def test_the_client_is_made_when_it_is_first_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A start does not wait for it; there is one, however many connections are made."""
    regions: list[str] = []

    def make(region: str) -> Secrets:
        regions.append(region)
        return Secrets(held("first"), held("second"))

    monkeypatch.setattr(database_login, "_make_client", make)
    login = StoredLogin(ARN, "ap-south-1")
    assert [] == regions
    assert ("first", "second") == (login.read()["password"], login.read()["password"])
    assert ["ap-south-1"] == regions


def test_botocore_gives_such_a_client() -> None:
    """The real one, of the region, with limits that a connection can wait for."""
    client: Any = database_login._make_client("ap-south-1")
    config = client.meta.config
    assert ("ap-south-1", 1, 2) == (client.meta.region_name, config.connect_timeout, config.read_timeout)
    client.close()


def test_the_secret_is_named_where_there_is_one() -> None:
    """The local cloud's password stays what it is."""
    assert load(ENV).database_secret is None
    assert ARN == load({**ENV, "DATABASE_SECRET_ARN": ARN}).database_secret
