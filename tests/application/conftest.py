"""The site's own code, in this process: the backend over ASGI with fakes at its edges, the site's build step."""

from __future__ import annotations

import logging
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import httpx
import pytest

ROOT = Path(__file__).resolve().parents[2]
# The package has no place of its own: in the image it lies on PYTHONPATH like this.
sys.path.insert(0, str(ROOT / "docker" / "backend"))

from tests.application.fakes import World  # noqa: E402 - it imports the package that was just put on the path
from tests.application.s3 import FakeS3  # noqa: E402


@pytest.fixture
def anyio_backend() -> str:
    """Run asynchronous tests on asyncio, as uvicorn does."""
    return "asyncio"


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """Fake Postgres, Redis and S3."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    with FakeS3().serving() as s3:
        yield World(s3)


@pytest.fixture
async def api(world: World) -> AsyncIterator[httpx.AsyncClient]:
    """An HTTP client of the application over `world`; its caller's address is 192.0.2.1."""
    async with client_of(world) as client:
        yield client


@asynccontextmanager
async def client_of(world: World, **settings: object) -> AsyncIterator[httpx.AsyncClient]:
    """Open a client of a fresh application over WORLD with other SETTINGS."""
    transport = httpx.ASGITransport(world.app(**settings), raise_app_exceptions=False, client=("192.0.2.1", 40000))
    async with httpx.AsyncClient(transport=transport, base_url="http://backend") as client:
        yield client


@pytest.fixture
def restored_logging() -> Iterator[None]:
    """Put the root logger back as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level


def load(path: str) -> ModuleType:
    """Import the build step at PATH (from the repository's root), which belongs to no package."""
    name = Path(path).stem
    spec = spec_from_file_location(name, ROOT / path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def build_site() -> ModuleType:
    """The site's build step."""
    return load("docker/frontend/build_site.py")


@pytest.fixture(scope="session")
def prepare() -> ModuleType:
    """The backend image's build step."""
    return load("docker/backend/prepare.py")


@pytest.fixture(scope="session")
def site(build_site: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The real site, built."""
    target = tmp_path_factory.mktemp("build") / "site"
    build_site.build(ROOT / "docker" / "frontend" / "site", target)
    return target
