"""How the database's connections are made: not before one is needed, as the environment and the secret say then."""

from __future__ import annotations

import asyncio
import contextlib
import struct
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial

import asyncpg
import pytest

from app import database
from app.database import Database, make_pool
from app.database_login import StoredLogin
from app.errors import DatabaseAway
from tests.application.conftest import ROOT
from tests.application.test_database_login import ARN, Secrets, held

FORM_ID = uuid.UUID(int=1)


@dataclass(slots=True)
class Server:
    """Speaks as much of Postgres' protocol as it takes to be told who is there, and refuses with CODE, if it has one.

    `silent` says nothing from the start. Who was let in hears nothing more; each of `cut` is cut off at its statement.
    https://www.postgresql.org/docs/current/protocol-message-formats.html
    """

    code: str = "28P01"
    silent: bool = False
    cut: int = 0
    heard: list[dict[str, str]] = field(default_factory=list)
    ends: list[asyncio.Event] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Read the startup message, ask for a password, read it, refuse or let in."""
        ended = asyncio.Event()
        self.ends.append(ended)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            (size,) = struct.unpack("!i", await reader.readexactly(4))
            kind, *words = (await reader.readexactly(size - 4)).decode(errors="replace").split("\0")[1:]
            # Version 3.0; anything else asks for the end of a statement.
            if kind == "\3":
                await self.let_in(dict(zip(words[1::2], words[2::2], strict=False)), reader, writer)
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
        ended.set()

    async def let_in(self, said: dict[str, str], reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Ask who SAID all this for the password, and do with it what this server does."""
        self.heard.append(said)
        if self.silent:
            await reader.read()
            return
        writer.write(message(b"R", struct.pack("!i", 3)))
        _, size = struct.unpack("!ci", await reader.readexactly(5))
        said["password"] = (await reader.readexactly(size - 4)).decode().rstrip("\0")
        if self.code:
            writer.write(message(b"E", f"SFATAL\0VFATAL\0C{self.code}\0Mno\0\0".encode()))
        else:
            writer.write(message(b"R", bytes(4)) + message(b"S", b"server_version\0" + b"15.0\0") + message(b"Z", b"I"))
        await writer.drain()
        await reader.read(1 if len(self.heard) <= self.cut else -1)


def message(kind: bytes, body: bytes) -> bytes:
    """What Postgres would send."""
    return kind + struct.pack("!i", len(body) + 4) + body


@asynccontextmanager
async def listening(server: Server, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """Let the PG* variables lead to SERVER."""
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    where = {"PGHOST": "127.0.0.1", "PGPORT": str(listener.sockets[0].getsockname()[1])}
    who = {"PGUSER": "of-the-task", "PGPASSWORD": "of-the-task", "PGDATABASE": "indivillage"}
    for name, value in (where | who | {"PGSSLMODE": "disable"}).items():
        monkeypatch.setenv(name, value)
    async with listener:
        yield
        await asyncio.gather(*(ended.wait() for ended in server.ends))


@asynccontextmanager
async def opened(login: StoredLogin | None = None) -> AsyncIterator[Database]:
    """A database with the application's own pool."""
    made = Database(partial(make_pool, login))
    await made.open()
    try:
        yield made
    finally:
        await made.close(1)


@pytest.mark.anyio
async def test_nothing_connects_before_it_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """So a container starts during an outage. Then the environment says where and who; a statement has 5 s."""
    server = Server()
    async with listening(server, monkeypatch), opened() as made:
        assert [] == server.heard
        with pytest.raises(DatabaseAway, match="InvalidPasswordError"):
            await made.find(FORM_ID)
    who = {"user": "of-the-task", "password": "of-the-task"}
    expected = who | {"database": "indivillage", "statement_timeout": "5000"}
    assert [expected] == [{name: said[name] for name in expected} for said in server.heard]


@pytest.mark.anyio
async def test_each_connection_signs_in_with_what_the_secret_holds_then(monkeypatch: pytest.MonkeyPatch) -> None:
    """What else a connection is told stays the same, and is what one without a secret is told."""
    server = Server()
    login = StoredLogin(ARN, "ap-south-1", Secrets(held("first"), held("second")))
    async with listening(server, monkeypatch):
        for signs_in in (login, login, None):
            async with opened(signs_in) as made:
                with pytest.raises(DatabaseAway):
                    await made.ping()
    first, second, without = server.heard
    assert ("indivillage", "first", "second") == (first["user"], first["password"], second["password"])
    assert first | {"password": "second"} == second
    assert without == first | {"user": "of-the-task", "password": "of-the-task"}


@pytest.mark.anyio
@pytest.mark.parametrize("code", ["28P01", "3D000", "53300", "57P03", "XX000"])
async def test_whatever_keeps_us_from_connecting_means_away(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that starts, is full, has no such database: the same request may succeed later."""
    server = Server(code)
    async with listening(server, monkeypatch), opened() as made:
        with pytest.raises(DatabaseAway):
            await made.mark_stored(FORM_ID)


@pytest.mark.anyio
async def test_nobody_there_and_nobody_answering_mean_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """A refused connection at once, a silent server after its time: less for a check than for a visitor."""
    monkeypatch.setattr(database, "_PING_WAIT_S", 0.05)
    server = Server(silent=True)
    async with listening(server, monkeypatch), opened() as silent:
        with pytest.raises(DatabaseAway, match="TimeoutError"):
            async with asyncio.timeout(1):
                await silent.ping()
    async with opened() as gone:
        with pytest.raises(DatabaseAway, match="ConnectionRefusedError"):
            await gone.find(FORM_ID)
    assert 1 == len(server.heard)


@pytest.mark.anyio
async def test_a_server_that_goes_away_is_asked_again_and_one_that_falls_silent_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As asyncpg tells the two apart: the first statement is cut off, the second gets no answer in its time."""
    monkeypatch.setattr(database, "_ANSWER_S", 0.05)
    server = Server(code="", cut=1)
    async with listening(server, monkeypatch), opened() as made:
        with pytest.raises(DatabaseAway, match="TimeoutError"):
            await made.find(FORM_ID)
        assert 2 == len(server.heard)
        with pytest.raises(DatabaseAway, match="TimeoutError"):
            await made.find(FORM_ID)
    assert 3 == len(server.heard)


@pytest.mark.anyio
async def test_a_connection_ends_without_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Asyncpg ends those it does not trust in tasks of their own, whose errors would fill the log."""
    server = Server(code="")
    async with listening(server, monkeypatch):
        made = await asyncpg.connect(connection_class=database._Connection, command_timeout=0.05)
        await made.close()
    assert made.is_closed()


@pytest.mark.anyio
@pytest.mark.parametrize("close", [False, True])
async def test_before_it_is_open_and_after_it_is_closed_it_is_away(close: bool) -> None:
    """What comes too early or too late hears what it would hear in an outage."""
    made = Database(make_pool)
    if close:
        await made.open()
        await made.close(1)
    with pytest.raises(DatabaseAway, match="not open"):
        await made.ping()


def test_a_start_imports_nothing_for_a_first_connection() -> None:
    """Signing in at AWS takes botocore, 80 ms of a start on its own."""
    modules = "import sys, app.main; sys.exit('botocore' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", modules], cwd=ROOT / "docker" / "backend", check=False)
    assert 0 == ran.returncode
