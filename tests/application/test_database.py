"""What becomes of a connection that fails while it is used, and which failures mean that the database is away."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass, field
from typing import Any, cast

import asyncpg
import pytest

from app.database import Database, Pool
from app.errors import DatabaseAway

pytestmark = pytest.mark.anyio
FORM_ID = uuid.UUID(int=1)
LOST = (asyncpg.ConnectionDoesNotExistError, ConnectionResetError, asyncpg.AdminShutdownError)


@dataclass(slots=True)
class Fake:
    """A pool and its one connection: ANSWERS are given in turn, exceptions raised; one of `loses` closes it."""

    answers: list[object]
    did: list[str] = field(default_factory=list)
    loses: tuple[type[Exception], ...] = LOST
    gone: bool = False

    def __await__(self) -> Any:
        yield from ()
        return self

    async def acquire(self, timeout: float) -> Fake:  # noqa: ASYNC109 - asyncpg's name
        """Hand the connection out."""
        assert timeout > 0
        self.gone = False
        return self

    async def release(self, connection: Fake) -> None:
        """Take it back."""
        assert connection is self
        self.did.append("release")

    async def expire_connections(self) -> None:
        """Trust none of the others."""
        self.did.append("expire")

    def terminate(self) -> None:
        """Drop it."""
        self.did.append("terminate")

    def is_closed(self) -> bool:
        """Asyncpg refuses to say so of a connection that it has taken back."""
        if self.gone:
            raise asyncpg.InterfaceError("it has been released back to the pool")
        return False

    async def fetchrow(self, *_: object) -> object:
        """Give the next answer."""
        answer = self.answers.pop(0)
        if isinstance(answer, BaseException):
            self.gone = isinstance(answer, self.loses)
            raise answer
        return answer

    execute = fetchval = fetchrow


async def faked(*answers: object) -> tuple[Database, Fake]:
    """A database whose statements get ANSWERS."""
    fake = Fake(list(answers))
    made = Database(lambda: cast("Pool", fake))
    await made.open()
    return made, fake


@pytest.mark.parametrize("lost", LOST)
async def test_a_lost_connection_is_replaced_once(lost: type[Exception]) -> None:
    """A restart of the server is not heard of by visitors; none of the connections it had is trusted again."""
    database, fake = await faked(lost("gone"), "UPDATE 1")
    assert await database.mark_stored(FORM_ID)
    assert ["expire", "release", "release"] == fake.did

    database, fake = await faked(lost("gone"), lost("gone again"), "UPDATE 1")
    with pytest.raises(DatabaseAway, match=lost.__name__):
        await database.mark_stored(FORM_ID)
    assert ["UPDATE 1"] == fake.answers


async def test_one_lost_between_two_statements_is_replaced() -> None:
    """Asyncpg calls that a wrong use of the connection."""
    database, fake = await faked(asyncpg.InterfaceError("released back to the pool"), None)
    fake.loses = (asyncpg.InterfaceError,)
    assert await database.find(FORM_ID) is None
    assert [] == fake.answers


async def test_a_wrong_use_of_a_connection_stays_an_error() -> None:
    """What is our own mistake is not said to be the database's."""
    database, fake = await faked(asyncpg.InterfaceError("another operation is in progress"), None)
    with pytest.raises(asyncpg.InterfaceError):
        await database.find(FORM_ID)
    assert ["release"] == fake.did


@pytest.mark.parametrize("failure", [TimeoutError(), asyncio.CancelledError()])
async def test_a_silent_server_costs_its_connections(failure: BaseException) -> None:
    """It is not asked again, nor waited for until it has cancelled the statement; the next request connects anew."""
    database, fake = await faked(failure, "UPDATE 1")
    with pytest.raises((DatabaseAway, asyncio.CancelledError)):
        await database.mark_stored(FORM_ID)
    assert (["terminate", "expire", "release"], ["UPDATE 1"]) == (fake.did, fake.answers)


@pytest.mark.parametrize(
    ("failure", "away"),
    [
        (asyncpg.QueryCanceledError, True),
        (asyncpg.LockNotAvailableError, True),
        (asyncpg.DeadlockDetectedError, True),
        (asyncpg.DiskFullError, True),
        (asyncpg.CannotConnectNowError, True),
        (asyncpg.PostgresIOError, True),
        (asyncpg.ConnectionFailureError, True),
        (asyncpg.UndefinedTableError, False),
        (asyncpg.StringDataRightTruncationError, False),
        (asyncpg.InsufficientPrivilegeError, False),
    ],
)
async def test_what_is_no_fault_of_the_statement_means_away(failure: type[Exception], away: bool) -> None:
    """The rest is a mistake and becomes a 500; but a database that cannot be read is never called ready."""
    for call in (lambda it: it.find(FORM_ID), lambda it: it.mark_stored(FORM_ID)):
        database, fake = await faked(failure("no"))
        with pytest.raises(DatabaseAway if away else failure, match=failure.__name__ if away else "no"):
            await call(database)
        assert ["release"] == fake.did
    database, _ = await faked(failure("no"))
    with pytest.raises(DatabaseAway, match=failure.__name__):
        await database.ping()


@pytest.mark.parametrize(("answer", "completed"), [("UPDATE 1", True), ("UPDATE 0", False)])
async def test_one_call_completes_a_form(answer: str, completed: bool) -> None:
    """The server says how many rows it changed."""
    database, _ = await faked(answer)
    assert completed == await database.mark_stored(FORM_ID)
