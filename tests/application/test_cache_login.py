"""Signing in to ElastiCache with the task's role: what the token is made of, who gives it to Redis, and when."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import parse_qs, urlsplit

import botocore.session
import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from app.cache_login import RoleLogin
from app.settings import SettingsError, load
from tests.application.test_logs_and_settings import ENV


def session_of(key: str) -> Any:
    """A botocore session with credentials of its own."""
    session = botocore.session.Session()
    session.set_credentials(key, "secret", "session-token")
    return session


def test_the_token_is_a_signed_request_without_its_scheme() -> None:
    """Cluster, user, action, service and validity are those that AWS documents; the secret key is not in it."""
    login = RoleLogin("indivillage-prod-backend", "indivillage-prod", "ap-south-1", session_of("AKIDEXAMPLE"))
    user, token = login.get_credentials()
    assert user == "indivillage-prod-backend"
    assert token.startswith("indivillage-prod/?")
    query = parse_qs(urlsplit(f"https://{token}").query)
    expected = {
        "Action": ["connect"],
        "User": ["indivillage-prod-backend"],
        "X-Amz-Expires": ["900"],
        "X-Amz-SignedHeaders": ["host"],
        "X-Amz-Security-Token": ["session-token"],
    }
    assert expected == {name: query[name] for name in expected}
    assert query["X-Amz-Credential"][0].startswith("AKIDEXAMPLE/")
    assert query["X-Amz-Credential"][0].endswith("/ap-south-1/elasticache/aws4_request")
    assert len(query["X-Amz-Signature"][0]) == 64
    assert "secret" not in token


def test_a_task_without_a_role_is_refused_as_redis_would() -> None:
    """An error that the cache's callers expect: a visitor's request passes without the limit."""
    session = botocore.session.Session()
    session.get_credentials = lambda: None
    with pytest.raises(RedisError, match="no role"):
        RoleLogin("user", "cluster", "ap-south-1", session).get_credentials()


@pytest.mark.anyio
async def test_each_connection_gets_a_token_of_the_role_as_it_is_then() -> None:
    """A role's credentials change every few hours, and what was signed with the old ones opens nothing."""
    session = session_of("AKIDFIRST")
    login = RoleLogin("user", "cluster", "ap-south-1", session)
    _, first = await login.get_credentials_async()
    session.set_credentials("AKIDSECOND", "secret", "session-token")
    _, second = await login.get_credentials_async()
    assert ("AKIDFIRST" in first, "AKIDSECOND" in second) == (True, True)


def test_the_session_is_made_when_it_is_first_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A start does not wait for it; there is one, however many connections are made."""
    made: list[Any] = []

    def make() -> Any:
        made.append(session_of("AKIDEXAMPLE"))
        return made[-1]

    monkeypatch.setattr(botocore.session, "get_session", make)
    login = RoleLogin("user", "cluster", "ap-south-1")
    assert [] == made
    tokens = [login.get_credentials()[1] for _ in range(2)]
    assert [True, True] == ["AKIDEXAMPLE" in token for token in tokens]
    assert 1 == len(made)


@pytest.mark.anyio
async def test_redis_is_told_user_and_token() -> None:
    """What redis-py sends first on a new connection is AUTH with what the login gives."""
    heard: asyncio.Queue[bytes] = asyncio.Queue()

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.put_nowait(await reader.read(4096))
        writer.close()

    server = await asyncio.start_server(listen, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    login = RoleLogin("who", "cluster", "ap-south-1", session_of("AKIDEXAMPLE"))
    redis = Redis.from_url(f"redis://127.0.0.1:{port}/0", credential_provider=login)
    try:
        with pytest.raises(RedisError):
            await redis.ping()
        said = await heard.get()
        assert b"AUTH" in said
        assert b"who" in said
        assert b"cluster/?Action=connect" in said
    finally:
        await redis.aclose()
        server.close()


def test_user_and_cluster_only_go_together() -> None:
    """Half of a login would be a backend that Redis refuses, found out at the first request."""
    with pytest.raises(SettingsError, match="REDIS_IAM_USER and REDIS_IAM_CLUSTER only go together"):
        load(ENV | {"REDIS_IAM_USER": "indivillage-prod-backend"})
    settings = load(ENV | {"REDIS_IAM_USER": "who", "REDIS_IAM_CLUSTER": "where"})
    assert ("who", "where") == (settings.redis_iam_user, settings.redis_iam_cluster)
    assert (None, None) == (load(ENV).redis_iam_user, load(ENV).redis_iam_cluster)
