"""Signing in to ElastiCache with the task's role instead of a password (AWS: "Authenticating with IAM")."""

import asyncio
from typing import Any, Final
from urllib.parse import urlencode

from redis.credentials import CredentialProvider
from redis.exceptions import AuthenticationError

_VALID_S: Final = 900
"""The longest that ElastiCache takes a token for. A connection made with it lives for twelve hours at most."""


class RoleLogin(CredentialProvider):
    """Gives each new connection a token of its own, signed with what the task's role is worth at that moment."""

    def __init__(self, user: str, cluster: str, region: str, session: Any = None) -> None:
        self._user = user
        self._cluster = cluster
        self._region = region
        self._session = session

    def get_credentials(self) -> tuple[str, str]:
        """Return user and token: the URL of a signed request, without its scheme, that is never sent.

        Raises AuthenticationError (a RedisError) when the task has no role.
        """
        # Here and not above: it costs 80 ms of a start (measured), which does not wait for the first connection.
        import botocore.session
        from botocore.model import ServiceId
        from botocore.signers import RequestSigner

        # Two threads that come first at once make two; either serves both.
        self._session = session = self._session or botocore.session.get_session()
        credentials = session.get_credentials()
        if credentials is None:
            raise AuthenticationError("the task has no role to sign in with")
        signer = RequestSigner(
            ServiceId("elasticache"),
            self._region,
            "elasticache",
            "v4",
            credentials,
            session.get_component("event_emitter"),
        )
        query = urlencode({"Action": "connect", "User": self._user})
        request = {
            "method": "GET",
            "url": f"https://{self._cluster}/?{query}",
            "body": {},
            "headers": {},
            "context": {},
        }
        url = signer.generate_presigned_url(
            request, operation_name="connect", expires_in=_VALID_S, region_name=self._region
        )
        return self._user, str(url).removeprefix("https://")

    async def get_credentials_async(self) -> tuple[str, str]:
        """Do the same in a thread: asking for the role's own credentials is a request that blocks."""
        return await asyncio.to_thread(self.get_credentials)
