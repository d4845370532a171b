"""The images under test, started as containers with a read-only root, no capabilities and uid 10001.

Needs a Docker Engine and these images, named by environment variables:
BACKEND_IMAGE and FRONTEND_IMAGE (under test), POSTGRES_IMAGE, REDIS_IMAGE and CLOUD_IMAGE (around them; of the last
only its S3 is used). Browser tests need chromium and chromedriver on PATH; their screenshots go to TEST_ARTIFACTS,
else to pytest's temporary folder.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from botocore.config import Config
from docker.models.containers import Container

import docker
from tests.images.stack import (
    FORMS_BUCKET,
    HARDENED,
    UPLOADS_BUCKET,
    Images,
    Stack,
    address,
    backend_environment,
    wait_for,
)

NAMES = ("BACKEND_IMAGE", "FRONTEND_IMAGE", "POSTGRES_IMAGE", "REDIS_IMAGE", "CLOUD_IMAGE")


@pytest.fixture(scope="session")
def images() -> Images:
    """References of the images, from the environment."""
    if missing := [name for name in NAMES if not os.environ.get(name)]:
        pytest.fail(f"{', '.join(missing)} not set: `inv test --only=images` builds the images and sets them")
    return Images(*(os.environ[name] for name in NAMES))


@pytest.fixture(scope="session")
def engine() -> Iterator[docker.DockerClient]:
    """The Docker Engine."""
    client = docker.from_env(timeout=60)
    yield client
    client.close()


@pytest.fixture(scope="session")
def stack(engine: docker.DockerClient, images: Images) -> Iterator[Stack]:
    """A network for the containers of this session."""
    made = Stack(engine, images)
    made.open()
    try:
        yield made
    finally:
        made.close()


@pytest.fixture(scope="session")
def services(stack: Stack) -> dict[str, Container]:
    """What the backend stands on, by role: postgres, redis, cloud; running, with both buckets."""
    env = backend_environment()
    database = {
        "POSTGRES_USER": env["PGUSER"],
        "POSTGRES_PASSWORD": env["PGPASSWORD"],
        "POSTGRES_DB": env["PGDATABASE"],
    }
    postgres = stack.run(stack.images.postgres, "postgres", database)
    redis = stack.run(stack.images.redis, "redis", {})
    cloud = stack.run(
        stack.images.cloud, "cloud", {"SFTP_ENABLED": "0", "IOT_MTLS_ENABLED": "0"},
        port=4566, entrypoint=["python3", "-m", "ministack"],
    )  # fmt: skip
    endpoint = address(cloud, 4566)
    wait_for("S3 answers", lambda: _answers(endpoint), timeout_s=60)
    for bucket in (FORMS_BUCKET, UPLOADS_BUCKET):
        s3_client(endpoint).create_bucket(
            Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": env["AWS_REGION"]}
        )
    ready = ["pg_isready", "--quiet", "--host=127.0.0.1"]
    wait_for("Postgres answers", lambda: postgres.exec_run(ready).exit_code == 0, timeout_s=60)
    return {"postgres": postgres, "redis": redis, "cloud": cloud}


def _answers(endpoint: str) -> bool:
    try:
        return httpx.get(endpoint, timeout=2).status_code < 500
    except httpx.TransportError:
        return False


def s3_client(endpoint: str) -> Any:
    """Return a boto3 S3 client for the test's S3."""
    return boto3.client(
        "s3",
        region_name="ap-south-1",
        endpoint_url=endpoint,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(s3={"addressing_style": "path"}),
    )


@pytest.fixture
def s3(services: dict[str, Container]) -> Any:
    """An S3 client on the host."""
    return s3_client(address(services["cloud"], 4566))


def migrate(stack: Stack, **environment: str) -> Container:
    """Start the migrations as the deployment does: a one-off container of the backend image."""
    command = ["python3", "-m", "alembic", "upgrade", "head"]
    given = {**backend_environment(), **environment}
    return stack.run(stack.images.backend, "migrate", given, command=command, options=HARDENED)


@pytest.fixture(scope="session")
def migrated(stack: Stack, services: dict[str, Container]) -> Container:
    """The container that migrated the database, ended well."""
    assert "postgres" in services
    container = migrate(stack)
    assert 0 == container.wait(timeout=60)["StatusCode"], container.logs().decode()
    return container


@pytest.fixture(scope="session")
def backend(stack: Stack, migrated: Container) -> Container:
    """A running, ready backend on a migrated database."""
    assert "alembic" in migrated.attrs["Config"]["Cmd"]
    container = stack.backend()
    wait_ready(container, "/readyz")
    return container


@pytest.fixture(scope="session")
def frontend(stack: Stack, backend: Container) -> Container:
    """A running frontend in front of `backend`."""
    assert "running" == backend.status
    container = stack.frontend()
    wait_ready(container, "/healthz")
    return container


def wait_ready(container: Container, path: str) -> None:
    """Wait until PATH of CONTAINER answers 200; an exited container fails at once with its log."""

    def ready() -> bool:
        container.reload()
        assert container.status in ("created", "running"), container.logs().decode()
        try:
            return httpx.get(address(container) + path, timeout=5).status_code == 200
        except httpx.TransportError:
            return False

    wait_for(f"{container.name} answers {path}", ready, timeout_s=40)


@pytest.fixture
def api(backend: Container) -> Iterator[httpx.Client]:
    """An HTTP client of the backend itself."""
    with httpx.Client(base_url=address(backend), timeout=60) as client:
        yield client


@pytest.fixture
def site(frontend: Container) -> Iterator[httpx.Client]:
    """An HTTP client of the frontend, as the load balancer is."""
    with httpx.Client(base_url=address(frontend), timeout=60) as client:
        yield client


@pytest.fixture(scope="session")
def artifacts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where screenshots go."""
    given = os.environ.get("TEST_ARTIFACTS")
    path = Path(given) if given else tmp_path_factory.mktemp("artifacts")
    path.mkdir(parents=True, exist_ok=True)
    return path
