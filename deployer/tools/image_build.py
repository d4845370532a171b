"""Builds the images under docker/ in the local engine; the adapter behind `ports.Builder`.

An image is tagged with a hash of all that decides what it is: staged files, locked packages, base image, architecture,
and the labels that say which commit last changed it. A tag that exists is that image already built, so nothing is built
again; a commit that changes no file of an image gives the same image, and so does another machine (ADR 5).
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from deployer.errors import GateFailed
from deployer.model import BuiltImage
from deployer.tools import build_context, docker_cli, file_lock, official_images, platforms, provenance, settled_image
from deployer.tools.base_image import NAME as BASE
from deployer.tools.base_image import BaseImage
from deployer.tools.build_context import BuildContext
from deployer.tools.dependencies import Dependencies
from deployer.tools.docker_cli import BuildRequest, DockerCli, reaching_engine
from deployer.tools.official_images import LocalImage, OfficialImages
from deployer.tools.provenance import Provenance

if TYPE_CHECKING:
    from docker import DockerClient

_ARGUMENT = re.compile(r"^ARG\s+(\w+)", re.MULTILINE | re.IGNORECASE)
CACHE = "BUILD_CACHE"
"""Environment variable: a repository in a registry where the steps of builds are kept, for engines that can."""
BUILDING = "indivillage/building"
_FORMAT = 2
"""Raised when building itself changes what comes out."""


@dataclass(frozen=True, slots=True)
class _Plan:
    """One image to build: from what, by whom, for which architecture. `foreign` is "" for the engine's own."""

    context: BuildContext
    base: LocalImage
    made: Provenance
    architecture: str
    foreign: str
    packages_key: str

    @property
    def reference(self) -> str:
        """The image's name in the engine."""
        inputs = json.dumps([
            *(_FORMAT, self.context.digest, self.packages_key, self.base.image_id, self.architecture),
            *(self.made.revision, self.made.epoch),
        ])  # fmt: skip
        return f"indivillage/{self.context.name}:{hashlib.sha256(inputs.encode()).hexdigest()[:16]}"


@dataclass(frozen=True, slots=True)
class ImageBuilder:
    """Builds from the tree at `root`. `environ` is what programs are run with (PATH, HOME, proxies).

    `cache` is the folder for locks and staged contexts.
    """

    root: Path
    engine: DockerClient
    environ: Mapping[str, str]
    official: OfficialImages
    base: BaseImage
    dependencies: Dependencies
    cache: Path

    def build(
        self,
        service: str,
        *,
        commit: str,
        created: datetime,
        log: Path,
        say: Callable[[str], None],
        platform: str = "",
    ) -> BuiltImage:
        """Build docker/`service`, or find it built; see `ports.Builder`. `base` is bootstrapped or pulled.

        postgres and redis are the official images where a registry can be reached, else built like the others.
        `platform` is linux/amd64 or linux/arm64, "" for the engine's own; Unreachable when it cannot be built here.
        """
        native = self._architecture()
        wanted = platforms.ARCHITECTURES[platform] if platform else native
        foreign = wanted if wanted != native else ""
        if foreign:
            self.require(platform)
        if service == BASE:
            present = self.base.present(foreign)
            found = present or self.base.ensure(log, say, foreign)
            return self._described(service, found, cached=present is not None)
        if pulled := self.official.pulled(service, foreign):
            return self._described(service, pulled, cached=True)
        plan = self._plan(service, wanted, foreign, Provenance(commit, created), log, say)
        with file_lock.held(self.cache / f"build-{service}.lock"):
            if built := official_images.find(self.engine, plan.reference):
                return self._described(service, built, cached=True)
            if pulled := self.official.pull(service, say, foreign):
                return self._described(service, pulled, cached=False)
            image_id = self._build(plan, log, say)
        return self._described(service, LocalImage(plan.reference, image_id), cached=False)

    def require(self, platform: str) -> None:
        """Raise Unreachable when this machine cannot build for `platform`; for several, before the first is built."""
        platforms.require(platform, self._architecture(), self._cli(), self.environ, self.root)

    def _plan(
        self, service: str, architecture: str, foreign: str, release: Provenance, log: Path, say: Callable[[str], None]
    ) -> _Plan:
        base = self.base.ensure(log, say, foreign)
        context = build_context.collect(self.root, service, self.environ)
        made = provenance.of(self.root, context.sources, self.environ, release)
        key = self.dependencies.key(context.requirements, architecture) if context.requirements else ""
        return _Plan(context, base, made, architecture, foreign, key)

    def _build(self, plan: _Plan, log: Path, say: Callable[[str], None]) -> str:
        cli, context = self._cli(), plan.context
        packages = None
        if context.requirements:
            say(f"installing the Python packages of {context.name}")
            packages = self.dependencies.stage(context.requirements, plan.architecture, log)
        offered = {"BASE": plan.base.reference, "COMMIT": plan.made.revision}
        dockerfile = (self.root / "docker" / context.name / "Dockerfile").read_text(encoding="utf-8")
        declared = set(_ARGUMENT.findall(dockerfile))
        args = {name: value for name, value in offered.items() if name in declared}
        # BuildKit 0.11 and newer takes it for the times in the image, declared or not.
        args["SOURCE_DATE_EPOCH"] = str(plan.made.epoch)
        kept = self.environ.get(CACHE, "")
        # Under a name of its own until it is settled, so that nobody takes it for finished or for rubbish.
        name = (
            plan.reference if cli.exports_settled else f"{BUILDING}:{plan.reference.rpartition(':')[2]}-{os.getpid()}"
        )
        request = BuildRequest(
            context=context.stage(self.cache / "contexts", packages),
            tag=name,
            args=args,
            labels=plan.made.labels,
            platform=f"linux/{plan.foreign}" if plan.foreign else "",
            cache=f"{kept}:{context.name}-{plan.architecture}" if kept else "",
        )
        if kept and not cli.caches_in_registry:
            say(f"{CACHE} is passed over: it takes buildx and an engine with containerd's image store")
        say(f"building {context.name}")
        try:
            image_id = cli.build(request, environ=self.environ, log=log, say=say)
        except GateFailed:
            # An engine that went away in the middle is not the image's fault, whatever words the client found.
            with reaching_engine(f"build the image {context.name}"):
                self.engine.ping()
            raise
        if cli.exports_settled:
            return image_id
        return settled_image.settle(self.engine, name, plan.reference, plan.made.created)

    def _cli(self) -> DockerCli:
        with reaching_engine("ask the Docker Engine what it can do"):
            containerd = docker_cli.stores_in_containerd(self.engine.info())
        return docker_cli.find(self.environ, self.root, containerd=containerd)

    def _architecture(self) -> str:
        with reaching_engine("ask the Docker Engine for its architecture"):
            return str(self.engine.version()["Arch"])

    def _described(self, service: str, image: LocalImage, *, cached: bool) -> BuiltImage:
        with reaching_engine(f"inspect {image.reference}"):
            size = int(self.engine.images.get(image.reference).attrs["Size"])
        return BuiltImage(service, image.reference, image.image_id, size, cached)
