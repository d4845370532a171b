"""Releases that are broken on purpose, each in a way that only one part of a deployment can see.

Visitors are known by their User-Agent: the smoke test and the health checks meet a site that works.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.e2e.conftest import Checkout

MIDDLEWARE = "docker/backend/app/middleware.py"
BEFORE = "        metrics.IN_FLIGHT.inc()\n"
VISITOR = '"indivillage-load" in headers.get("user-agent", "")'


@dataclass(frozen=True, slots=True)
class Broken:
    """What is wrong with it, and the edit of one file that makes it so; `harms` when visitors may meet errors."""

    name: str
    file: str
    old: str
    new: str
    harms: bool = False

    def commit(self, checkout: Checkout) -> None:
        """Make it the clone's HEAD; `git reset --hard HEAD~1` takes it back."""
        checkout.replace(self.file, self.old, self.new)
        checkout.commit(f"Broken on purpose: {self.name}")


CRASH = Broken(
    "crash at start",
    "docker/backend/app/__main__.py",
    "    logs.configure()\n",
    '    logs.configure()\n    raise SystemExit("broken on purpose: crash at start")\n',
)
ERRORS = Broken(
    "healthy, then 5xx at 5%",
    MIDDLEWARE,
    BEFORE,
    f"        if {VISITOR} and uuid.uuid4().int % 20 == 0:\n"
    "            from starlette.responses import PlainTextResponse\n\n"
    '            await PlainTextResponse("broken on purpose", 500)(scope, receive, send)\n'
    "            return\n" + BEFORE,
    harms=True,
)
SLOW = Broken(
    "slow",
    MIDDLEWARE,
    BEFORE,
    f"        if {VISITOR}:\n            import asyncio\n\n            await asyncio.sleep(2)\n" + BEFORE,
)
ALL = (CRASH, ERRORS, SLOW)
