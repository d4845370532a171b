"""The local cloud of this checkout, as the platform that an environment runs on. Errors are mapped to ours here."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from deployer.errors import InputError, Unreachable
from deployer.model import PROJECT, BuiltImage
from deployer.tools import process
from deployer.tools.docker_cli import reaching_engine
from localcloud import readiness
from localcloud.cloud import CloudImages, LocalCloud, Ports
from localcloud.errors import CloudError

if TYPE_CHECKING:
    from docker import DockerClient

Build = Callable[[str, str, datetime, Callable[[str], None]], BuiltImage]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
OFFSET = "LOCALCLOUD_PORT_OFFSET"
_HIGHEST_PORT = 65_535
_IMAGES = ("localcloud", "postgres", "redis")


class LocalCloudPlatform:
    """Fills ports.Platform. `aliases` are the load balancers' names; `build` builds one of the project's images.

    The cloud is named after the checkout's path, so two checkouts on one machine have two and never meet.
    """

    def __init__(self, root: Path, aliases: Sequence[str], build: Build) -> None:
        self.name = f"{PROJECT}-cloud-{hashlib.sha256(str(root).encode()).hexdigest()[:8]}"
        self._aliases = tuple(aliases)
        self._build = build
        self._note = root / ".cache" / "local-cloud.json"

    @cached_property
    def _engine(self) -> DockerClient:
        import docker

        with reaching_engine("reach the Docker Engine"):
            return docker.from_env()

    def _cloud(self, ports: Ports | None) -> LocalCloud:
        return LocalCloud(self._engine, self.name, self._aliases, ports)

    @cached_property
    def ports(self) -> Ports:
        """The ports it has or will get, decided once: clients are made with them before the cloud is up.

        Where it was last seen it is asked itself. Only a cloud that answers there by this checkout's name is believed:
        then the Docker Engine, which costs ten times as much to ask, is not needed.
        """
        wanted = _wanted_ports(os.environ)
        noted = _noted(self._note, os.environ)
        if noted and wanted in (None, noted) and readiness.name(noted.api) == self.name:
            return noted
        with _mapped():
            found = self._cloud(wanted).ports
        _write_note(self._note, found, os.environ)
        return found

    @property
    def endpoint_url(self) -> str:
        """Where the AWS APIs answer, or will once it is up."""
        return f"http://127.0.0.1:{self.ports.api}"

    @property
    def http_port(self) -> int:
        """The host's port of the load balancers' listeners on port 80."""
        return self.ports.http

    @property
    def test_port(self) -> int:
        """The host's port of the load balancers' test listeners."""
        return self.ports.test

    def ready(self, say: Callable[[str], None]) -> str:
        """Build the cloud's images where they are missing, start it, wait until it answers. Repeatable."""

        def build(name: str) -> BuiltImage:
            return self._build(name, "", _EPOCH, lambda line: say(f"{name}: {line}"))

        built = process.together(build, _IMAGES, len(_IMAGES))
        cloud, postgres, redis = (image.reference for image in built)
        with _mapped():
            # By these ports and no others: should another checkout have taken them meanwhile, that is an error and
            # not a second cloud that nobody talks to.
            status = self._cloud(self.ports).up(CloudImages(cloud, postgres, redis), say)
        return f"{status.name} at {status.endpoint_url}"

    def down(self, say: Callable[[str], None]) -> tuple[str, ...]:
        """Remove everything it made; returns the names."""
        with _mapped():
            return self._cloud(None).down(say)

    def status(self) -> Mapping[str, object]:
        """What runs, for `cloud.status --json`."""
        with _mapped():
            return self._cloud(None).status().to_json()


def _wanted_ports(environ: Mapping[str, str]) -> Ports | None:
    """LOCALCLOUD_PORT_OFFSET moves all ports up by that many; None lets the cloud choose."""
    offset = environ.get(OFFSET, "")
    if not offset:
        return None
    highest = _HIGHEST_PORT - max(Ports().all())
    if not (offset.isdecimal() and int(offset) <= highest):
        seen = f"{OFFSET}={offset} is not a number from 0 to {highest}"
        raise InputError("choose the local cloud's ports", seen, f"{OFFSET}=10")
    return Ports(*(port + int(offset) for port in Ports().all()))


def _noted(note: Path, environ: Mapping[str, str]) -> Ports | None:
    """Where this engine's cloud was last seen; None when nobody knows."""
    try:
        seen = json.loads(note.read_text(encoding="utf-8"))
        api, http, test = map(int, seen["ports"])
        return Ports(api, http, test) if seen["engine"] == environ.get("DOCKER_HOST", "") else None
    except (OSError, ValueError, KeyError, TypeError):
        return None  # never noted, or damaged: the engine knows


def _write_note(note: Path, ports: Ports, environ: Mapping[str, str]) -> None:
    text = json.dumps({"engine": environ.get("DOCKER_HOST", ""), "ports": ports.all()})
    try:
        note.parent.mkdir(parents=True, exist_ok=True)
        note.write_text(text, encoding="utf-8")
    except OSError:
        pass  # a read-only checkout only has to ask the engine again


@contextmanager
def _mapped() -> Iterator[None]:
    try:
        yield
    except CloudError as error:
        raise Unreachable(error.attempted, error.seen, error.hint) from error
