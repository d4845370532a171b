"""Builds the images under docker/ in the local engine; the adapter behind `ports.Builder`.

An image is tagged with a hash of all that decides its content: staged files, locked packages, base image, architecture.
A tag that exists is that content already built, so nothing is built again. Commit and time are labels of the build that
made the content, not part of the hash: a commit that changes no file of an image gives the same image, byte for byte,
and `org.opencontainers.image.revision` names the commit that it was first built from.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from deployer.errors import GateFailed
from deployer.model import BuiltImage
from deployer.tools import build_context, docker_cli, file_lock, official_images
from deployer.tools.base_image import NAME as BASE
from deployer.tools.base_image import BaseImage
from deployer.tools.build_context import BuildContext
from deployer.tools.dependencies import Dependencies
from deployer.tools.docker_cli import BuildRequest, reaching_engine
from deployer.tools.official_images import LocalImage, OfficialImages

if TYPE_CHECKING:
    from docker import DockerClient

_ARGUMENT = re.compile(r"^ARG\s+(\w+)", re.MULTILINE | re.IGNORECASE)
_FORMAT = 1
"""Raised when building itself changes what comes out."""


@dataclass(frozen=True, slots=True)
class ImageBuilder:
    """Builds from the checkout at `root`. `environ` is what programs are run with (PATH, HOME, proxies)."""

    root: Path
    engine: DockerClient
    environ: Mapping[str, str]
    official: OfficialImages
    base: BaseImage
    dependencies: Dependencies

    def build(
        self, service: str, *, commit: str, created: datetime, log: Path, say: Callable[[str], None]
    ) -> BuiltImage:
        """Build docker/`service`, or find it built; see `ports.Builder`. `base` is bootstrapped or pulled.

        postgres and redis are the official images where a registry can be reached, else built like the others.
        """
        if service == BASE:
            present = self.base.present()
            return self._described(service, present or self.base.ensure(log, say), cached=present is not None)
        if pulled := self.official.pulled(service):
            return self._described(service, pulled, cached=True)
        base = self.base.ensure(log, say)
        context = build_context.collect(self.root, service, self.environ)
        reference = f"indivillage/{service}:{self._key(context, base)}"
        with file_lock.held(self.root / ".cache" / f"build-{service}.lock"):
            if built := official_images.find(self.engine, reference):
                return self._described(service, built, cached=True)
            if pulled := self.official.pull(service, say):
                return self._described(service, pulled, cached=False)
            self._build(context, reference, base, commit, created, log, say)
        with reaching_engine(f"inspect {reference}"):
            image_id = str(self.engine.images.get(reference).id)
        return self._described(service, LocalImage(reference, image_id), cached=False)

    def _key(self, context: BuildContext, base: LocalImage) -> str:
        architecture = self._architecture()
        packages = self.dependencies.key(context.requirements, architecture) if context.requirements else ""
        inputs = json.dumps([_FORMAT, context.digest, packages, base.image_id, architecture])
        return hashlib.sha256(inputs.encode()).hexdigest()[:16]

    def _build(
        self,
        context: BuildContext,
        reference: str,
        base: LocalImage,
        commit: str,
        created: datetime,
        log: Path,
        say: Callable[[str], None],
    ) -> None:
        cli = docker_cli.find(self.environ, self.root)
        packages = None
        if context.requirements:
            say(f"installing the Python packages of {context.name}")
            packages = self.dependencies.stage(context.requirements, self._architecture(), log)
        offered = {"BASE": base.reference, "COMMIT": commit}
        dockerfile = (self.root / "docker" / context.name / "Dockerfile").read_text(encoding="utf-8")
        declared = set(_ARGUMENT.findall(dockerfile))
        args = {name: value for name, value in offered.items() if name in declared}
        # BuildKit 0.11 and newer takes it for the times in the image, declared or not.
        args["SOURCE_DATE_EPOCH"] = str(int(created.timestamp()))
        labels = {
            "org.opencontainers.image.created": created.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "org.opencontainers.image.revision": commit,
        }
        say(f"building {context.name}")
        with context.staged(self.root / ".cache" / "contexts", packages) as folder:
            try:
                cli.build(BuildRequest(folder, reference, args, labels), environ=self.environ, log=log, say=say)
            except GateFailed:
                # An engine that went away in the middle is not the image's fault, whatever words the client found.
                with reaching_engine(f"build the image {context.name}"):
                    self.engine.ping()
                raise

    def _architecture(self) -> str:
        with reaching_engine("ask the Docker Engine for its architecture"):
            return str(self.engine.version()["Arch"])

    def _described(self, service: str, image: LocalImage, *, cached: bool) -> BuiltImage:
        with reaching_engine(f"inspect {image.reference}"):
            size = int(self.engine.images.get(image.reference).attrs["Size"])
        return BuiltImage(service, image.reference, image.image_id, size, cached)
