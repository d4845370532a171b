"""One HTTP/1.1 connection, and requests over it; h11 knows the protocol."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Self

import h11

LOOPBACK = "127.0.0.1"
Place = tuple[str, int]
"""Address and port."""


class NoAnswer(Exception):
    """The other side closed the connection before it had answered."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked. A body is `pieces`, each followed by a pause of `pause_s`, so that it takes its time."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    pieces: tuple[bytes, ...] = ()
    pause_s: float = 0.0

    def head(self, host: str, *, close: bool) -> h11.Request:
        """The request without its body, for h11."""
        headers = {"Host": host, "User-Agent": "indivillage-load", **self.headers}
        if self.pieces:
            headers["Content-Length"] = str(sum(map(len, self.pieces)))
        if close:
            headers["Connection"] = "close"
        return h11.Request(method=self.method, target=self.path, headers=list(headers.items()))

    async def body(self) -> AsyncIterator[bytes]:
        """The pieces, at their times."""
        for index, piece in enumerate(self.pieces):
            if index and self.pause_s:
                await asyncio.sleep(self.pause_s)
            yield piece


class Connection:
    """A connection that is kept between requests; raises OSError, NoAnswer, h11.RemoteProtocolError."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str) -> None:
        self._reader, self._writer, self._host = reader, writer, host
        self._http = h11.Connection(h11.CLIENT)

    @classmethod
    async def open(cls, place: Place, host: str) -> Self:
        """Connect to `place`; `host` is whom to ask for there."""
        return cls(*await asyncio.open_connection(*place), host)

    @property
    def usable(self) -> bool:
        """Whether another request may be sent: as a browser, do not use what the other side has closed already."""
        idle = self._http.our_state is h11.IDLE
        return idle and not self._reader.at_eof() and not self._writer.is_closing()

    async def ask(self, request: Request, *, last: bool = False) -> tuple[int, bytes]:
        """Send it and return status and body. An answer that comes before the body was sent ends the sending."""
        sending = asyncio.create_task(self._send(request, last=last))
        try:
            return await self._answer()
        finally:
            sending.cancel()
            # What was answered counts, whatever became of our last bytes.
            await asyncio.gather(sending, return_exceptions=True)
            if self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
                self._http.start_next_cycle()

    async def _send(self, request: Request, *, last: bool) -> None:
        self._writer.write(self._http.send(request.head(self._host, close=last)) or b"")
        async for piece in request.body():
            self._writer.write(self._http.send(h11.Data(piece)) or b"")
            await self._writer.drain()
        self._writer.write(self._http.send(h11.EndOfMessage()) or b"")
        await self._writer.drain()

    async def _answer(self) -> tuple[int, bytes]:
        status, body = 0, bytearray()
        while True:
            event = self._http.next_event()
            if event is h11.NEED_DATA:
                data = await self._reader.read(65536)
                if not data and not status:
                    raise NoAnswer
                self._http.receive_data(data)
            elif isinstance(event, h11.Response):
                status = event.status_code
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, h11.EndOfMessage):
                return status, bytes(body)
            elif isinstance(event, h11.ConnectionClosed) or event is h11.PAUSED:
                raise NoAnswer

    def close(self) -> None:
        """Leave."""
        self._writer.close()
