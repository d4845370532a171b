"""Python packages of an image, resolved on the host from its hash-locked requirements.txt.

uv installs them for the image's Python and platform, whatever the host has, in 1 to 2 s where pip inside a build takes
11 to 15 s and needs the network there. The result is a plain directory for the build context, the same bytes wherever
it was made: kept under .cache by the hash of everything that goes into it, so an unchanged lock file costs nothing.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from deployer.errors import GateFailed, InputError
from deployer.tools import file_lock, process

PYTHON_VERSION = "3.11"
"""Debian 12's python3, which the images run."""

FIXED_TIME_S = 315_532_800
"""Modification time of every staged file: 1980-01-01, the earliest that zip knows. Layers then depend on content."""

_PLATFORMS = {"amd64": "x86_64-manylinux_2_28", "arm64": "aarch64-manylinux_2_28"}
_FORMAT = 1
_SCRIPT_RECORD = re.compile(r"^(\.\./)*bin/")


@dataclass(frozen=True, slots=True)
class Dependencies:
    """Directories of installed packages under `cache`, for lock files under `root`.

    `uv` is the program, `environ` what it is run with.
    """

    root: Path
    uv: Path
    environ: Mapping[str, str]
    cache: Path

    def key(self, requirements: Path, architecture: str) -> str:
        """Return the hash of all that decides what is installed; raises InputError for an unknown `architecture`."""
        if architecture not in _PLATFORMS:
            known = " or ".join(_PLATFORMS)
            raise InputError(
                "stage Python packages for an image", f"the engine's architecture is {architecture}", f"use {known}"
            )
        inputs = [str(_FORMAT), PYTHON_VERSION, _PLATFORMS[architecture], requirements.read_text(encoding="utf-8")]
        return hashlib.sha256("\0".join(inputs).encode()).hexdigest()[:16]

    def stage(self, requirements: Path, architecture: str, log: Path) -> Path:
        """Return the directory with the packages of `requirements`, installing them first when they are not there.

        The directory is shared: read it, never write to it. Raises GateFailed with uv's last words.
        """
        packages = self.cache / "site-packages"
        finished = packages / self.key(requirements, architecture)
        if finished.exists():
            settle(finished)  # the change of its inode is how `inv clean` sees that it is used
            return finished
        with file_lock.held(packages / "lock"):
            if not finished.exists():
                self._install(requirements, _PLATFORMS[architecture], finished, log)
        return finished

    def _install(self, requirements: Path, platform: str, finished: Path, log: Path) -> None:
        with tempfile.TemporaryDirectory(prefix="new-", dir=finished.parent) as folder:
            target = Path(folder, "site-packages")
            command = [
                str(self.uv),
                "pip",
                "install",
                "--quiet",
                "--require-hashes",
                "--no-build",
                "--link-mode",
                "copy",
            ]
            command += ["--python-version", PYTHON_VERSION, "--python-platform", platform, "--target", str(target)]
            command += ["--requirement", str(requirements)]
            ran = process.run(command, cwd=self.root, env=self.environ, log=log, install="./scripts/inv installs uv")
            if not ran.ok:
                raise GateFailed(
                    f"install the Python packages of {requirements.relative_to(self.root)}",
                    f"uv ended with exit code {ran.returncode}",
                    "after a change of requirements.in: ./scripts/lock",
                    details=ran.tail[-15:],
                    log=log,
                )
            target.mkdir(exist_ok=True)
            _make_reproducible(target)
            target.rename(finished)


def _make_reproducible(packages: Path) -> None:
    """Remove what differs from checkout to checkout: programs, which name this checkout's Python, and file times."""
    shutil.rmtree(packages / "bin", ignore_errors=True)
    (packages / ".lock").unlink(missing_ok=True)
    for record in packages.glob("*.dist-info/RECORD"):
        lines = record.read_text(encoding="utf-8").splitlines(keepends=True)
        record.write_text("".join(line for line in lines if not _SCRIPT_RECORD.match(line)), encoding="utf-8")
    for folder, _, files in os.walk(packages, topdown=False):
        for name in files:
            settle(Path(folder, name))
        settle(Path(folder))


def settle(path: Path, time_ns: int = FIXED_TIME_S * 10**9) -> None:
    """Give `path` the mode and time that every checkout gives it: whatever the umask, whenever it was written."""
    if not path.is_symlink():
        path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
    os.utime(path, ns=(time_ns, time_ns), follow_symlinks=False)
