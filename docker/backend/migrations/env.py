"""Alembic's environment: connects as the PG* variables say and applies migrations one runner at a time.

Migrations are written so that the release before keeps working on the new schema (expand first, contract a release
later): both run side by side during a deployment, and a rollback does not undo migrations.
"""

import asyncio
import sys

from alembic import context
from sqlalchemy import Connection, pool, text
from sqlalchemy.ext.asyncio import create_async_engine

from app import logs

# Any constant; two one-off tasks that start together wait for each other on it.
_LOCK = 724_170_015


async def run() -> None:
    """Bring the database to the wanted revision; a table that stays locked fails the run instead."""
    engine = create_async_engine(
        # Names no host: asyncpg takes it from the environment, with the rest.
        "postgresql+asyncpg://",
        poolclass=pool.NullPool,
        connect_args={"timeout": 10, "server_settings": {"lock_timeout": "5000"}},
    )
    async with engine.connect() as connection:
        await connection.execute(text("SET lock_timeout = '120s'"))
        await connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _LOCK})
        await connection.execute(text("SET lock_timeout = '5s'"))
        await connection.commit()
        await connection.run_sync(migrate)


def migrate(connection: Connection) -> None:
    """Run Alembic, which knows nothing of asyncio, on CONNECTION. Each `op.execute` is one statement of SQL."""
    context.configure(connection=connection, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()


if context.is_offline_mode():
    sys.exit("Migrations need the database: --sql is not supported.")
logs.configure()
asyncio.run(run())
