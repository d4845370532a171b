"""The image builder of a command that may not build anything: what it stands on is made at the first build."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from deployer.model import BuiltImage

if TYPE_CHECKING:
    from deployer.tools.image_build import ImageBuilder


class LocalBuilder:
    """Fills ports.Builder: builds what stands under `tree` in the local Docker Engine, which is reached at the first.

    What can be used again is kept in `root`/.cache. A command that builds nothing needs no Docker SDK.
    """

    def __init__(self, tree: Path, root: Path) -> None:
        self._tree = tree
        self._root = root
        self._lock = threading.Lock()
        self._made: ImageBuilder | None = None

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
        """See `ports.Builder`; `platform` as in `ImageBuilder.build`."""
        return self._builder.build(service, commit=commit, created=created, log=log, say=say, platform=platform)

    def require(self, platform: str) -> None:
        """Raise Unreachable when nothing can be built for `platform` here."""
        self._builder.require(platform)

    @property
    def _builder(self) -> ImageBuilder:
        with self._lock:
            self._made = self._made or self._make()
            return self._made

    def _make(self) -> ImageBuilder:
        import docker
        from deployer.tools.base_image import BaseImage
        from deployer.tools.dependencies import Dependencies
        from deployer.tools.docker_cli import reaching_engine
        from deployer.tools.image_build import ImageBuilder
        from deployer.tools.official_images import OfficialImages

        tree, cache = self._tree, self._root / ".cache"
        with reaching_engine("reach the Docker Engine"):
            engine = docker.from_env()
        official = OfficialImages(tree, engine)
        return ImageBuilder(
            root=tree,
            engine=engine,
            environ=os.environ,
            official=official,
            base=BaseImage(tree, engine, official, os.environ),
            dependencies=Dependencies(tree, Path(sys.executable).with_name("uv"), os.environ, cache),
            cache=cache,
        )
