"""The files an image is built from: which they are, their hash, and a clean copy of them for the build.

A context is what git would commit (tracked, or new and not ignored) under docker/<image>, folders of the project that
the image needs besides, and the staged Python packages. Nothing else can slip into an image, and the hash of it is the
same in every checkout.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from deployer.errors import InputError
from deployer.tools.dependencies import FIXED_TIME_S, settle
from deployer.tools.tree import fingerprint, listed

_BESIDES: Mapping[str, tuple[str, ...]] = {
    "deployer": ("deployer", "docker/backend/prepare.py", "infrastructure/terraform/environments"),
    "localcloud": ("localcloud",),
}
"""Folders and files of the project that an image takes along, under their own names."""


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

    @property
    def sources(self) -> tuple[str, ...]:
        """What git is asked about to say who made this image: paths in the checkout."""
        return (f"docker/{self.name}", "docker/base", *_BESIDES.get(self.name, ()))

    def stage(self, cache: Path, packages: Path | None) -> Path:
        """Bring the copy of it under `cache` up to date, with `packages` as site-packages/, and return its folder.

        The folder stays: BuildKit knows it again by its path and asks only for files whose size or time changed. So a
        file's time is made of its content. Packages all have one time, so other packages get another folder. One
        caller at a time: the builder holds a lock for each image.
        """
        folder = cache / f"{self.name}-{packages.name if packages else 'plain'}"
        for old in cache.glob(f"{self.name}-*"):
            if old != folder:
                shutil.rmtree(old)
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.iterdir():
            if old.name == "site-packages" and packages:
                continue
            if old.is_dir() and not old.is_symlink():
                shutil.rmtree(old)
            else:
                old.unlink()
        if packages and not (folder / "site-packages").exists():
            # Hard links: the packages are many and settled already. Under another name until all are there.
            linked = folder / "site-packages.new"
            shutil.copytree(packages, linked, copy_function=os.link, symlinks=True)
            linked.rename(folder / "site-packages")
        for place, file in self.files:
            copy = folder / place
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, copy, follow_symlinks=False)
            settle(copy, _time_of_ns(copy))
        for parent in sorted({parent for place, _ in self.files for parent in place.parents}, reverse=True):
            settle(folder / parent)
        return folder


def _time_of_ns(file: Path) -> int:
    """A time in 1980 to 1982 that another content would not have."""
    content = os.fsencode(file.readlink()) if file.is_symlink() else file.read_bytes()
    return FIXED_TIME_S * 10**9 + int.from_bytes(hashlib.sha256(content).digest()[:7])


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
