"""Contact forms in Postgres. asyncpg reads PGHOST, PGUSER, PGPASSWORD and the rest from the environment by itself.

Whatever we ask may be asked twice: a claim inserts nothing the second time, and a form is marked as stored once.
"""

import asyncio
import contextlib
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeAlias, TypeVar

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from app.contact import ContactForm
from app.database_login import StoredLogin
from app.errors import DatabaseAway

Connection: TypeAlias = "PoolConnectionProxy[asyncpg.Record]"
Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"
T = TypeVar("T")

_WAIT_S: Final = 3.0
"""For a connection, which may have to be made first."""
_PING_WAIT_S: Final = 1.5
"""Less than app/health.py gives a check."""
_ANSWER_S: Final = 6.0
"""For the answer to a statement; a second more than the server gives it."""
_LOST: Final = (
    ConnectionError,
    asyncpg.ConnectionDoesNotExistError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
)
"""What a statement hears on a connection whose server went away, before it or meanwhile."""
_AWAY: Final = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.TransactionRollbackError,
    asyncpg.InsufficientResourcesError,
    asyncpg.ObjectNotInPrerequisiteStateError,
    asyncpg.OperatorInterventionError,
    asyncpg.PostgresSystemError,
)
"""What is no fault of the statement: no connection or no answer in time (OSError), SQLSTATE classes 08, 40, 53, 55, 57
(which has the statement timeout) and 58."""


@dataclass(frozen=True, slots=True)
class StoredForm:
    """One row of `forms`. `stored_at` is None until the S3 object is known to exist."""

    id: uuid.UUID
    client_key: str
    fingerprint: str
    name: str
    email: str
    topic: str
    message: str
    created_at: datetime
    stored_at: datetime | None


_SELECT: Final = (
    "SELECT id, client_key, fingerprint, name, email, topic, message, created_at, stored_at FROM forms WHERE "
)


class _Connection(asyncpg.Connection):
    """A connection that costs nothing between two uses, and whose end is no error."""

    def get_reset_query(self) -> str:
        """Return what puts it right after a use: no statement of ours leaves anything behind.

        asyncpg's own would be asked each time, and would fail what has succeeded when the server went away meanwhile.
        """
        return ""

    async def close(self, *, timeout: float | None = None) -> None:  # noqa: ASYNC109 - asyncpg's name
        """Take leave of the server, or, of one that is silent, none."""
        with contextlib.suppress(OSError):
            await super().close(timeout=timeout)


def make_pool(login: StoredLogin | None = None) -> Pool:
    """Return a pool of at most 10 connections, none of which is made before it is needed.

    Connecting may take 3 s, a statement 5 s, and a second more until it is given up without an answer. With a `login`
    each connection signs in with what the secret holds when it is made. To be called in the event loop that uses it.
    """

    async def connect(*where: Any, **how: Any) -> Any:
        return await asyncpg.connect(*where, **how | dict(await login.read_async() if login else {}))

    return asyncpg.create_pool(
        connect=connect,
        connection_class=_Connection,
        min_size=0,
        max_size=10,
        max_inactive_connection_lifetime=120.0,
        timeout=3.0,
        command_timeout=_ANSWER_S,
        server_settings={"statement_timeout": "5000"},
    )


class Database:
    """The statements the application needs; every failure to reach Postgres is DatabaseAway."""

    def __init__(self, make: Callable[[], Pool]) -> None:
        self._make = make
        self._pool: Pool | None = None

    async def open(self) -> None:
        """Make ready, in the event loop that is running; nothing is connected yet."""
        self._pool = await self._make()

    async def close(self, timeout_s: float) -> None:
        """Wait for what is under way, and close every connection; those that take longer are cut off."""
        pool, self._pool = self._pool, None
        if pool is not None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(pool.close(), timeout_s)

    async def claim(self, key: str, form: ContactForm) -> StoredForm:
        """Return the row of KEY, inserting FORM when there is none.

        Of concurrent calls one inserts; the others wait for it and read its row. The caller compares fingerprints.
        """
        insert = (
            "INSERT INTO forms (id, client_key, fingerprint, name, email, topic, message)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (client_key) DO NOTHING"
        )
        values = (uuid.uuid4(), key, form.fingerprint(), form.name, form.email, form.topic, form.message)

        async def ask(connection: Connection) -> asyncpg.Record | None:
            await connection.execute(insert, *values)
            return await connection.fetchrow(_SELECT + "client_key = $1", key)

        row = await self._ask(ask)
        if row is None:
            raise DatabaseAway("the row was deleted while it was read")
        return StoredForm(**row)

    async def mark_stored(self, form_id: uuid.UUID) -> bool:
        """Note that the S3 object of FORM_ID exists; True for the one call that completed the form.

        For none when its answer was lost with the connection: then the repetition finds it done.
        """

        async def ask(connection: Connection) -> str:
            return await connection.execute(
                "UPDATE forms SET stored_at = now() WHERE id = $1 AND stored_at IS NULL", form_id
            )

        return await self._ask(ask) == "UPDATE 1"

    async def find(self, form_id: uuid.UUID) -> StoredForm | None:
        """Return the completed form FORM_ID; one whose S3 object is not known to exist is not there yet."""

        async def ask(connection: Connection) -> asyncpg.Record | None:
            return await connection.fetchrow(_SELECT + "id = $1 AND stored_at IS NOT NULL", form_id)

        row = await self._ask(ask)
        return StoredForm(**row) if row else None

    async def ping(self) -> None:
        """Read from the forms table, so that a database without our migrations is not called ready."""

        async def ask(connection: Connection) -> object:
            return await connection.fetchval("SELECT 1 FROM forms LIMIT 1")

        try:
            await self._ask(ask, _PING_WAIT_S)
        except asyncpg.PostgresError as error:
            raise DatabaseAway(type(error).__name__) from error

    async def _ask(self, ask: Callable[[Connection], Awaitable[T]], wait_s: float = _WAIT_S) -> T:
        """Return what ASK returns; a connection that was lost is replaced once, its server may be back by now."""
        try:
            try:
                return await self._ask_once(ask, wait_s)
            except _LOST:
                return await self._ask_once(ask, wait_s)
        except _AWAY as error:
            raise DatabaseAway(type(error).__name__) from error

    async def _ask_once(self, ask: Callable[[Connection], Awaitable[T]], wait_s: float) -> T:
        """Give ASK a connection. One that is lost, or whose server is silent, takes the others with it.

        They most likely go to the same server that is gone, and each would have a request of its own find out.
        """
        pool = self._pool
        if pool is None:
            raise DatabaseAway("not open")
        try:
            connection = await pool.acquire(timeout=wait_s)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise DatabaseAway(type(error).__name__) from error
        try:
            return await ask(connection)
        except (*_LOST, TimeoutError, asyncio.CancelledError):
            if not _is_gone(connection):
                # Not released as it is: asyncpg would wait for the answer to a cancellation.
                connection.terminate()
            await pool.expire_connections()
            raise
        except asyncpg.InterfaceError as error:
            if _is_gone(connection):
                raise ConnectionResetError("lost between two statements") from error
            raise
        finally:
            await pool.release(connection)


def _is_gone(connection: Connection) -> bool:
    """Whether CONNECTION is closed; asyncpg takes one back whose server closed it, and then says nothing of it."""
    try:
        return connection.is_closed()
    except asyncpg.InterfaceError:
        return True
