"""Small stand-ins for Postgres and Redis (S3's is s3.py). Each can be told to be away and remembers what reached it."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

from starlette.applications import Starlette

from app.contact import ContactForm
from app.database import Database, StoredForm
from app.errors import CacheAway, DatabaseAway
from app.main import Parts, create_app
from app.objects import Objects
from app.settings import Build, Secret, Settings
from tests.application.s3 import FakeS3

TOKEN = "a-token-for-these-tests"


@dataclass(slots=True)
class FakeDatabase:
    """The forms table in a dictionary by client key; every call gives other tasks a turn, as a query does."""

    rows: dict[str, StoredForm] = field(default_factory=dict)
    away: bool = False
    bug: Exception | None = None
    pings: int = 0

    async def _turn(self) -> None:
        await asyncio.sleep(0)
        if self.bug:
            raise self.bug
        if self.away:
            raise DatabaseAway("OperationalError")

    async def claim(self, key: str, form: ContactForm) -> StoredForm:
        """Insert unless the key is there; return its row."""
        await self._turn()
        fresh = StoredForm(
            uuid.uuid4(), key, form.fingerprint(), form.name, form.email, form.topic, form.message,
            datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), None,
        )  # fmt: skip
        return self.rows.setdefault(key, fresh)

    async def mark_stored(self, form_id: uuid.UUID) -> bool:
        """Set stored_at once; True for the call that did."""
        await self._turn()
        for key, row in self.rows.items():
            if row.id == form_id and row.stored_at is None:
                self.rows[key] = dataclasses.replace(row, stored_at=row.created_at)
                return True
        return False

    async def find(self, form_id: uuid.UUID) -> StoredForm | None:
        """Return the completed row."""
        await self._turn()
        return next((row for row in self.rows.values() if row.id == form_id and row.stored_at), None)

    async def ping(self) -> None:
        """Answer unless away."""
        self.pings += 1
        await self._turn()


@dataclass(slots=True)
class FakeCache:
    """Counts in a dictionary; the window never ends."""

    counts: dict[str, int] = field(default_factory=dict)
    away: bool = False
    asked: int = 0

    async def hit(self, key: str) -> tuple[int, float]:
        """Count one call."""
        self.asked += 1
        if self.away:
            raise CacheAway("ConnectionError")
        self.counts[key] = self.counts.get(key, 0) + 1
        return self.counts[key], 41.5

    async def ping(self) -> None:
        """Answer unless away."""
        if self.away:
            raise CacheAway("ConnectionError")


@contextlib.asynccontextmanager
async def nothing_to_open() -> AsyncIterator[None]:
    """A lifespan without resources."""
    yield


@dataclass(slots=True)
class World:
    """Everything around the application; `objects` answers at an address of its own."""

    objects: FakeS3
    database: FakeDatabase = field(default_factory=FakeDatabase)
    cache: FakeCache = field(default_factory=FakeCache)

    def app(self, **changes: Any) -> Starlette:
        """Return the real application over the fakes; CHANGES override settings."""
        build = Build("dev", "dev-20260101T000000Z-abcdef0", "abcdef0", "blue", "sha256:0")
        names = ("forms", "uploads", "ap-south-1")
        settings = Settings(Secret("redis://cache"), *names, Secret(TOKEN), build, endpoint_url=self.objects.url)
        parts = Parts(cast("Database", self.database), Objects(settings), self.cache, nothing_to_open())
        return create_app(dataclasses.replace(settings, **changes), parts)
