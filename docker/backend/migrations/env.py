"""Alembic's environment: connects as libpq's PG* variables say and applies migrations one runner at a time.

Migrations are written so that the release before keeps working on the new schema (expand first, contract a release
later): both run side by side during a deployment, and a rollback does not undo migrations.
"""

import sys

from alembic import context
from sqlalchemy import create_engine, pool, text

from app import logs

# Any constant; two one-off tasks that start together wait for each other on it.
_LOCK = 724_170_015


def run() -> None:
    """Bring the database to the wanted revision; a table that stays locked fails the run instead."""
    engine = create_engine(
        "postgresql+psycopg://",
        poolclass=pool.NullPool,
        connect_args={"connect_timeout": 10, "options": "-c lock_timeout=5000"},
    )
    with engine.connect() as connection:
        connection.execute(text("SET lock_timeout = '120s'"))
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _LOCK})
        connection.execute(text("SET lock_timeout = '5s'"))
        connection.commit()
        context.configure(connection=connection, transaction_per_migration=True)
        with context.begin_transaction():
            context.run_migrations()


if context.is_offline_mode():
    sys.exit("Migrations need the database: --sql is not supported.")
logs.configure()
run()
