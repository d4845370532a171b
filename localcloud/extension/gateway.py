"""The door of the cloud's API: notes that state may have changed, and says whether the cloud is ready."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

from localcloud.names import STATUS_PATH

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

READS = ("GET", "HEAD", "OPTIONS")
READ_ACTIONS = ("Describe", "List", "Get", "Batch")


def wrap(app: App, touched: Callable[[], None], status: Callable[[], dict[str, Any]]) -> App:
    """MiniStack's ASGI application with our status page, which tells STATUS and is 503 when there is a ``failure``.

    TOUCHED is called after each request that may have written.
    """

    async def gateway(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == STATUS_PATH:
            await _answer(send, status())
            return
        await app(scope, receive, send)
        if scope["type"] == "http" and may_write(scope):
            touched()

    return gateway


def may_write(scope: Scope) -> bool:
    """Whether a request can have changed state, as far as method, target header and path tell."""
    if scope["method"] in READS:
        return False
    target = next((value for name, value in scope["headers"] if name == b"x-amz-target"), b"").decode()
    action = target.rpartition(".")[2] or scope["path"].partition("/operation/")[2]
    return not action.startswith(READ_ACTIONS)


async def _answer(send: Send, status: dict[str, Any]) -> None:
    code = 503 if status["failure"] else 200
    headers = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": code, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(status).encode()})
