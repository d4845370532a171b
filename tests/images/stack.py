"""Containers for tests: a network of their own, started as the deployment starts them, removed at the end.

Everything carries the label LABEL and is published on 127.0.0.1 on a port that the engine chooses.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from docker.models.containers import Container
from docker.models.networks import Network

import docker

T = TypeVar("T")
LABEL = "com.indivillage.test"
API_TOKEN = "token-of-the-image-tests"
BASIC_AUTH = "asha:a pass:word with $igns"
FORMS_BUCKET = "forms-of-the-image-tests"
UPLOADS_BUCKET = "uploads-of-the-image-tests"
# What ECS gives our containers: see the task definitions.
HARDENED: Mapping[str, Any] = {
    "read_only": True,
    "cap_drop": ["ALL"],
    "user": "10001:10001",
    "tmpfs": {"/tmp": "mode=1777"},
}


def wait_for(what: str, attempt: Callable[[], T | None], timeout_s: float = 30.0) -> T:
    """Return ATTEMPT's first true result, asking ten times a second; OSError counts as "not yet"."""
    deadline = time.monotonic() + timeout_s
    seen: object = None
    pause = threading.Event()
    while time.monotonic() < deadline:
        try:
            if result := attempt():
                return result
            seen = result
        except OSError as error:
            seen = error
        pause.wait(0.1)
    raise AssertionError(f"{what}: not within {timeout_s:g} s, last seen: {seen!r}")


@dataclass(frozen=True, slots=True)
class Images:
    """Image references under test, and those they need around them."""

    backend: str
    frontend: str
    postgres: str
    redis: str
    cloud: str


@dataclass(slots=True)
class Stack:
    """One network with what was started on it."""

    engine: docker.DockerClient
    images: Images
    name: str = field(default_factory=lambda: f"indivillage-test-{secrets.token_hex(4)}")
    started: list[Container] = field(default_factory=list)
    network: Network | None = None

    def open(self) -> None:
        """Create the network."""
        self.network = self.engine.networks.create(self.name, labels={LABEL: self.name})

    def close(self) -> None:
        """Remove every container, with its volumes, and the network."""
        for container in self.started:
            container.remove(force=True, v=True)
        if self.network is not None:
            self.network.remove()

    def run(
        self,
        image: str,
        alias: str,
        environment: Mapping[str, str],
        *,
        port: int | None = None,
        command: Sequence[str] | None = None,
        entrypoint: Sequence[str] | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> Container:
        """Start IMAGE as ALIAS on the network; PORT is published on 127.0.0.1."""
        assert self.network is not None, "open() comes first"
        container = self.engine.containers.create(
            image,
            command=list(command) if command else None,
            entrypoint=list(entrypoint) if entrypoint else None,
            environment=dict(environment),
            labels={LABEL: self.name},
            ports={f"{port}/tcp": ("127.0.0.1", 0)} if port else None,
            network=self.name,
            networking_config={self.name: docker.types.EndpointConfig(self.engine.api.api_version, aliases=[alias])},
            **dict(options or {}),
        )
        self.started.append(container)
        container.start()
        return container

    def backend(self, **environment: str) -> Container:
        """Start a backend; ENVIRONMENT overrides what the stack gives it."""
        alias = environment.pop("alias", "backend")
        return self.run(
            self.images.backend, alias, {**backend_environment(), **environment}, port=8080, options=HARDENED
        )

    def frontend(self, **environment: str) -> Container:
        """Start a frontend in front of the backend; ENVIRONMENT overrides what the stack gives it."""
        given = {
            "BACKEND_URL": "http://backend:8080",
            "BASIC_AUTH": BASIC_AUTH,
            "ENVIRONMENT": "dev",
            "RELEASE": "dev-20260101T000000Z-abcdef0",
            "COMMIT": "abcdef0123",
            "COLOR": "blue",
            "IMAGE_DIGEST": "sha256:" + "f" * 64,
        }
        return self.run(self.images.frontend, "frontend", {**given, **environment}, port=8080, options=HARDENED)


def backend_environment() -> dict[str, str]:
    """What a task definition gives the backend."""
    return {
        "PGHOST": "postgres",
        "PGPORT": "5432",
        "PGDATABASE": "indivillage",
        "PGUSER": "indivillage",
        "PGPASSWORD": "only-for-tests",
        "PGSSLMODE": "prefer",
        "REDIS_URL": "redis://redis:6379/0",
        "FORMS_BUCKET": FORMS_BUCKET,
        "UPLOADS_BUCKET": UPLOADS_BUCKET,
        "AWS_REGION": "ap-south-1",
        "AWS_ENDPOINT_URL": "http://cloud:4566",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "API_TOKEN": API_TOKEN,
        "RATE_LIMIT_PER_MINUTE": "100000",
        "TRUSTED_PROXY_HOPS": "1",
        "ENVIRONMENT": "dev",
        "RELEASE": "dev-20260101T000000Z-abcdef0",
        "COMMIT": "abcdef0123",
        "COLOR": "blue",
        "IMAGE_DIGEST": "sha256:" + "b" * 64,
    }


def request_head(path: str, headers: Mapping[str, str]) -> bytes:
    """Return the head of a raw POST, for tests that send its body as they like."""
    lines = [f"POST {path} HTTP/1.1", "Host: localhost", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode()


def select(postgres: Container, query: str, value: str) -> list[str]:
    """Run QUERY in the application's database and return its rows; in it, current_setting('test.value') is VALUE."""
    env = backend_environment()
    command = ["psql", "-U", env["PGUSER"], "-d", env["PGDATABASE"], "-Atc", query]
    return read(postgres, *command, environment={"PGOPTIONS": f"-c test.value={value}"}).splitlines()


def read(container: Container, *command: str, environment: Mapping[str, str] | None = None) -> str:
    """Run COMMAND in CONTAINER and return what it writes to stdout, whatever its exit code."""
    answer = container.exec_run(list(command), stderr=False, environment=dict(environment or {}))
    assert isinstance(answer.output, bytes)
    return answer.output.decode()


def address(container: Container, port: int = 8080) -> str:
    """Return http://127.0.0.1:<published port> of CONTAINER."""

    def published() -> str | None:
        container.reload()
        bindings = container.ports.get(f"{port}/tcp")
        return f"http://127.0.0.1:{bindings[0]['HostPort']}" if bindings else None

    return wait_for(f"port {port} of {container.name} published", published)
