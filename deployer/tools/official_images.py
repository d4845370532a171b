"""Images of others that ours start from, pulled by digest where a registry can be reached.

Whether it can is asked of the engine, since it is the engine that pulls: it has the mirrors and proxies. Once an image
is here nothing is asked again, and what was bootstrapped or built instead stays in use until it is removed.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from deployer.errors import Unreachable
from deployer.tools.docker_cli import reaching_engine

if TYPE_CHECKING:
    from docker.models.images import Image

    from docker import DockerClient

PROBE_TIMEOUT_S = 5


@dataclass(frozen=True, slots=True)
class LocalImage:
    """An image in the local engine: a name for it there, and its config digest (`sha256:…`)."""

    reference: str
    image_id: str


def find(engine: DockerClient, reference: str) -> LocalImage | None:
    """Return the image that the engine has under `reference`, if it has one, and mark it as used."""
    from docker.errors import ImageNotFound

    with reaching_engine(f"look for the image {reference}"):
        try:
            image = engine.images.get(reference)
        except ImageNotFound:
            return None
        mark_used(image, reference)
        return LocalImage(reference, str(image.id))


def mark_used(image: Image, reference: str) -> None:
    """Let the engine note that `reference` is in use: it keeps when a name was last given, to the same image too.

    It keeps no time of a last use, and the checkouts of a machine share one engine: `inv clean` goes by this time.
    """
    repository, _, tag = reference.rpartition(":")
    image.tag(repository, tag)


def _impatient_engine() -> DockerClient:
    import docker

    return docker.from_env(timeout=PROBE_TIMEOUT_S)


@dataclass(slots=True)
class OfficialImages:
    """The pinned references in docker/base/images.toml, by the name of our image that they stand in for.

    `probing` makes the client that asks for the registry, one that gives up after `PROBE_TIMEOUT_S`.
    """

    root: Path
    engine: DockerClient
    probing: Callable[[], DockerClient] = _impatient_engine
    _reachable: dict[str, bool] = field(default_factory=dict)

    def local_name(self, name: str, foreign: str = "") -> str:
        """Return the name under which the pulled image is kept; changes with the digest, and with the architecture."""
        return f"indivillage/{name}:official-{self._pinned(name).rpartition(':')[2][:12]}{foreign and f'-{foreign}'}"

    def pulled(self, name: str, foreign: str = "") -> LocalImage | None:
        """Return the image when it was pulled before; asks nobody but the engine."""
        return find(self.engine, self.local_name(name, foreign)) if self._pinned(name) else None

    def pull(self, name: str, say: Callable[[str], None], foreign: str = "") -> LocalImage | None:
        """Pull the image, or return None when nothing is pinned for `name` or no registry can be reached.

        `foreign` is an architecture other than the engine's own; "" means its own.
        """
        pinned = self._pinned(name)
        if not pinned or not self._registry_has(pinned):
            return None
        say(f"pulling {pinned}")
        tagged, _, digest = pinned.partition("@")
        repository = tagged.rpartition(":")[0]
        local, _, tag = self.local_name(name, foreign).partition(":")
        platform = f"linux/{foreign}" if foreign else None
        try:
            with reaching_engine(f"pull {pinned}"):
                image = self.engine.images.pull(repository, tag=digest, platform=platform)
                image.tag(local, tag)
        except Unreachable as error:
            say(f"{error.attempted} failed, doing without: {error.seen}")
            return None
        return LocalImage(f"{local}:{tag}", str(image.id))

    def _pinned(self, name: str) -> str:
        with (self.root / "docker" / "base" / "images.toml").open("rb") as file:
            return str(tomllib.load(file)["official"].get(name, ""))

    def _registry_has(self, pinned: str) -> bool:
        """Whether the registry answers for `pinned`; its answer is kept for this process."""
        import requests
        from docker.errors import DockerException

        if pinned not in self._reachable:
            try:
                self.probing().images.get_registry_data(pinned)
                self._reachable[pinned] = True
            except (DockerException, requests.RequestException):
                self._reachable[pinned] = False
        return self._reachable[pinned]
