"""User and password of the database as Secrets Manager has them now: RDS replaces the password while tasks run."""

import asyncio
import json
import logging
from collections.abc import Mapping
from typing import Any, Final, Protocol

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

log = logging.getLogger("app.database")

_CONFIG: Final = Config(connect_timeout=1, read_timeout=2, retries={"mode": "standard", "total_max_attempts": 2})
"""Together less than a minute, and rarely asked: a connection lives for an hour."""


class SecretsClient(Protocol):
    """The one call of botocore's Secrets Manager client that is used here."""

    def get_secret_value(self, **kwargs: Any) -> Any: ...


class StoredLogin:
    """Gives each new connection what the secret holds at that moment; connections that are open stay so.

    While Secrets Manager does not answer, the last login that it gave; before it gave any, none: libpq then takes
    PGUSER and PGPASSWORD, which ECS read from the same secret when the task began.
    """

    def __init__(self, secret: str, region: str, client: SecretsClient | None = None) -> None:
        session: Any = botocore.session.get_session()
        self._client: SecretsClient = client or session.create_client(
            "secretsmanager", region_name=region, config=_CONFIG
        )
        self._secret = secret
        self._known: Mapping[str, str] = {}

    def read(self) -> Mapping[str, str]:
        """Return libpq's `user` and `password`. Never raises for what Secrets Manager says, nor logs a value."""
        try:
            held = json.loads(self._client.get_secret_value(SecretId=self._secret)["SecretString"])
            self._known = {"user": str(held["username"]), "password": str(held["password"])}
        except (BotoCoreError, ClientError, KeyError, TypeError, ValueError) as error:
            log.warning("the database's secret was not read", extra={"reason": type(error).__name__})
        return self._known

    async def read_async(self) -> Mapping[str, str]:
        """Do the same in a thread: it is a request that blocks."""
        return await asyncio.to_thread(self.read)
