"""The files an image is built from: which they are, their hash, and a clean copy of them for the build.

A context is what git would commit (tracked, or new and not ignored) under docker/<image>, folders of the project that
the image needs besides, and the staged Python packages. Nothing else can slip into an image, and the hash of it is the
same in every checkout.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from deployer.errors import InputError
from deployer.tools.dependencies import settle
from deployer.tools.tree import fingerprint, listed

_BESIDES: Mapping[str, tuple[str, ...]] = {"localcloud": ("localcloud",)}
"""Folders of the project that an image takes along, under their own names."""


@dataclass(frozen=True, slots=True)
class BuildContext:
    """The sources of one image: pairs of (path in the context, file on disk), sorted."""

    name: str
    files: tuple[tuple[PurePosixPath, Path], ...]

    @property
    def digest(self) -> str:
        """SHA-256 over paths, executable bits and contents."""
        whole = hashlib.sha256()
        for place, file in self.files:
            whole.update(f"{place}\0{fingerprint(file)}\n".encode())
        return whole.hexdigest()

    @property
    def requirements(self) -> Path | None:
        """The image's lock file of Python packages, if it has one."""
        return next((file for place, file in self.files if str(place) == "requirements.txt"), None)

    @contextmanager
    def staged(self, cache: Path, packages: Path | None) -> Iterator[Path]:
        """Copy it to a folder under `cache`, with `packages` as site-packages/; the copy is gone afterwards.

        Modes and times are settled, so that a layer depends on content alone.
        """
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f"context-{self.name}-", dir=cache) as folder:
            context = Path(folder)
            for place, file in self.files:
                copy = context / place
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(file, copy, follow_symlinks=False)
            for inner, _, names in os.walk(context, topdown=False):
                for name in names:
                    settle(Path(inner, name))
                settle(Path(inner))
            if packages:
                # Hard links: the packages are many and settled already.
                shutil.copytree(packages, context / "site-packages", copy_function=os.link, symlinks=True)
            yield context


def collect(root: Path, name: str, environ: Mapping[str, str]) -> BuildContext:
    """Return the context of docker/`name`. Raises InputError when there is no such image, or git cannot list it."""
    if not (root / "docker" / name / "Dockerfile").is_file():
        raise InputError(f"build the image {name}", f"docker/{name}/Dockerfile does not exist")
    found = [
        (PurePosixPath(path.relative_to(Path("docker", name))), path)
        for path in listed(root, f"docker/{name}", environ)
    ]
    for folder in _BESIDES.get(name, ()):
        found += [(PurePosixPath(path), path) for path in listed(root, folder, environ)]
    return BuildContext(name, tuple(sorted((place, root / path) for place, path in found)))
