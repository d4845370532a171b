"""The database's password is read when a connection is made: RDS replaces it while tasks run."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError

from app.database import make_pool
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
async def test_the_pool_asks_for_every_connection() -> None:
    """What else a connection is told stays the same."""
    pool = make_pool(StoredLogin(ARN, "ap-south-1", Secrets(held("first"), held("second"))))

    first, second = await pool._resolve_kwargs(), await pool._resolve_kwargs()

    assert ("first", "second") == (first["password"], second["password"])
    assert {**first, "password": "second"} == second
    assert {"user", "password"} == set(first) - set(await make_pool()._resolve_kwargs())


def test_the_secret_is_named_where_there_is_one() -> None:
    """The local cloud's password stays what it is."""
    assert load(ENV).database_secret is None
    assert ARN == load({**ENV, "DATABASE_SECRET_ARN": ARN}).database_secret
