"""Contact forms in Postgres. libpq reads PGHOST, PGUSER, PGPASSWORD and the rest from the environment by itself."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import psycopg
from psycopg.rows import class_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from app.contact import ContactForm
from app.database_login import StoredLogin
from app.errors import DatabaseAway


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


def make_pool(login: StoredLogin | None = None) -> AsyncConnectionPool:
    """Return a closed pool of 1 to 10 connections; connecting may take 3 s, a statement 5 s.

    With a `login` each connection signs in with what the secret holds when it is made.
    """
    kwargs: dict[str, Any] = {"connect_timeout": 3, "autocommit": True, "options": "-c statement_timeout=5000"}

    async def signed_in() -> dict[str, Any]:
        return kwargs | dict(await login.read_async() if login else {})

    return AsyncConnectionPool(
        conninfo="",
        kwargs=signed_in if login else kwargs,
        min_size=1,
        max_size=10,
        timeout=3.0,
        max_idle=120.0,
        check=AsyncConnectionPool.check_connection,
        open=False,
        name="forms",
    )


class Database:
    """The statements the application needs; every failure to reach Postgres is DatabaseAway."""

    def __init__(self, pool: AsyncConnectionPool) -> None:
        self._pool = pool

    async def claim(self, key: str, form: ContactForm) -> StoredForm:
        """Return the row of KEY, inserting FORM when there is none.

        Of concurrent calls one inserts; the others wait for it and read its row. The caller compares fingerprints.
        """
        insert = (
            "INSERT INTO forms (id, client_key, fingerprint, name, email, topic, message)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT (client_key) DO NOTHING"
        )
        values = (uuid.uuid4(), key, form.fingerprint(), form.name, form.email, form.topic, form.message)
        try:
            async with self._pool.connection() as connection:
                await connection.execute(insert, values)
                cursor = connection.cursor(row_factory=class_row(StoredForm))
                await cursor.execute(_SELECT + "client_key = %s", (key,))
                row = await cursor.fetchone()
        except (psycopg.OperationalError, PoolTimeout) as error:
            raise DatabaseAway(type(error).__name__) from error
        if row is None:
            raise DatabaseAway("the row was deleted while it was read")
        return row

    async def mark_stored(self, form_id: uuid.UUID) -> bool:
        """Note that the S3 object of FORM_ID exists; True for the one call that completed the form."""
        try:
            async with self._pool.connection() as connection:
                cursor = await connection.execute(
                    "UPDATE forms SET stored_at = now() WHERE id = %s AND stored_at IS NULL", (form_id,)
                )
        except (psycopg.OperationalError, PoolTimeout) as error:
            raise DatabaseAway(type(error).__name__) from error
        return cursor.rowcount == 1

    async def find(self, form_id: uuid.UUID) -> StoredForm | None:
        """Return the completed form FORM_ID; one whose S3 object is not known to exist is not there yet."""
        query = _SELECT + "id = %s AND stored_at IS NOT NULL"
        try:
            async with self._pool.connection() as connection:
                cursor = connection.cursor(row_factory=class_row(StoredForm))
                await cursor.execute(query, (form_id,))
                return await cursor.fetchone()
        except (psycopg.OperationalError, PoolTimeout) as error:
            raise DatabaseAway(type(error).__name__) from error

    async def ping(self) -> None:
        """Read from the forms table, so that a database without our migrations is not called ready."""
        try:
            async with self._pool.connection(timeout=1.5) as connection:
                await connection.execute("SELECT 1 FROM forms LIMIT 1")
        except (psycopg.Error, PoolTimeout) as error:
            raise DatabaseAway(type(error).__name__) from error
