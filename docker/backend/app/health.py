"""GET /healthz, /readyz and /api/version: is the process alive, can it do its work, and what is it."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse

from app.errors import Away
from app.settings import Build

log = logging.getLogger("app.health")
CHECK_TIMEOUT_S: Final = 2.0

Check = Callable[[], Awaitable[object]]
Results = dict[str, dict[str, object]]


async def healthz(_: Request) -> JSONResponse:
    """Alive: the event loop answers. Depends on nothing else, so a database outage restarts no container."""
    return JSONResponse({"status": "alive"})


@dataclass(frozen=True, slots=True)
class Health:
    """The checks behind /readyz and the facts behind /api/version."""

    checks: Mapping[str, Check]
    build: Build
    timeout_s: float = CHECK_TIMEOUT_S
    _runs: list["asyncio.Task[Results]"] = field(default_factory=list)

    async def readyz(self, _: Request) -> JSONResponse:
        """200 when all checks pass, else 503 with what failed."""
        results = await self.ready()
        ready = all(result["ok"] for result in results.values())
        body = {"status": "ready" if ready else "not ready", "checks": results}
        return JSONResponse(body, 200 if ready else 503)

    async def ready(self) -> Results:
        """Run all checks at once, each with its own time limit; return what each found. What is away is no exception.

        Who asks while they run hears what they find: many who ask make no more work than one.
        """
        run = self._runs[-1] if self._runs else None
        if run is None or run.done():
            run = asyncio.create_task(self._all())
            self._runs[:] = [run]
        return await asyncio.shield(run)

    async def _all(self) -> Results:
        names = list(self.checks)
        return dict(zip(names, await asyncio.gather(*(self._run(name) for name in names)), strict=True))

    async def version(self, _: Request) -> JSONResponse:
        """Say what runs here; compared with the release by smoke tests."""
        return JSONResponse(self.build.to_json())

    async def _run(self, name: str) -> dict[str, object]:
        started = time.perf_counter()
        error = None
        try:
            async with asyncio.timeout(self.timeout_s):
                await self.checks[name]()
        except TimeoutError:
            error = f"no answer within {self.timeout_s:g} s"
        except Away as away:
            error = str(away)
        if error is not None:
            log.warning("not ready", extra={"check": name, "error": error})
        took: dict[str, object] = {"ok": error is None, "duration_ms": round((time.perf_counter() - started) * 1000, 1)}
        return took if error is None else took | {"error": error}
