"""User and password of the database as Secrets Manager has them now: RDS replaces the password while tasks run."""

import asyncio
import json
import logging
from collections.abc import Mapping
from typing import Any, Final, Protocol

log = logging.getLogger("app.database")

_WAIT_S: Final = 1.0
"""How long a new connection waits for the answer: less than the least that app/database.py gives it."""


class SecretsClient(Protocol):
    """The one call of botocore's Secrets Manager client that is used here."""

    def get_secret_value(self, **kwargs: Any) -> Any: ...


class StoredLogin:
    """Gives each new connection what the secret holds at that moment; connections that are open stay so.

    While Secrets Manager does not answer, the last login that it gave; before it gave any, none: asyncpg then takes
    PGUSER and PGPASSWORD, which ECS read from the same secret when the task began.
    """

    def __init__(self, secret: str, region: str, client: SecretsClient | None = None) -> None:
        self._client = client
        self._secret = secret
        self._region = region
        self._known: Mapping[str, str] = {}

    def read(self) -> Mapping[str, str]:
        """Return asyncpg's `user` and `password`. Never raises for what Secrets Manager says, nor logs a value."""
        # Here and not above: it costs 80 ms of a start (measured), which does not wait for the first connection.
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            # Two threads that come first at once make two; either serves both.
            self._client = client = self._client or _make_client(self._region)
            held = json.loads(client.get_secret_value(SecretId=self._secret)["SecretString"])
            self._known = {"user": str(held["username"]), "password": str(held["password"])}
        except (BotoCoreError, ClientError, KeyError, TypeError, ValueError) as error:
            log.warning("the database's secret was not read", extra={"error": type(error).__name__})
        return self._known

    async def read_async(self) -> Mapping[str, str]:
        """Do the same in a thread: it is a request that blocks. What comes too late serves the next connection."""
        try:
            return await asyncio.wait_for(asyncio.to_thread(self.read), _WAIT_S)
        except TimeoutError:
            log.warning("the database's secret was not read in time")
            return self._known


def _make_client(region: str) -> SecretsClient:
    import botocore.session
    from botocore.config import Config

    # Together less than a minute, and rarely asked: connections are kept.
    config = Config(connect_timeout=1, read_timeout=2, retries={"mode": "standard", "total_max_attempts": 2})
    session: Any = botocore.session.get_session()
    client: SecretsClient = session.create_client("secretsmanager", region_name=region, config=config)
    return client
