"""The Debian image that ours start from: the official one by digest, else bootstrapped from Debian's packages.

Bootstrapping takes mmdebstrap about 20 s (2 cores), as root or in a user namespace, and comes out byte for byte the
same for the same packages. `docker import` would not: it stamps the time into the image. So the file system is wrapped
into a docker-archive here, with every time in it fixed, and loaded.
"""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import tarfile
import tempfile
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from deployer.errors import GateFailed, Unreachable
from deployer.tools import file_lock, process
from deployer.tools.docker_cli import reaching_engine
from deployer.tools.official_images import LocalImage, OfficialImages, find, mark_used

if TYPE_CHECKING:
    from docker import DockerClient

NAME = "base"
# Of Debian 12's mmdebstrap: moves / bin, lib and sbin into /usr before the first package is unpacked.
_MERGED_USR_HOOKS = "/usr/share/mmdebstrap/hooks/merged-usr"
# The host's own. Docker mounts a container's over two of them; were those missing, it would make them for each step
# of a build and remove them afterwards, which leaves the time of the build on /etc.
_FORGET_HOST = 'rm -f "$1/etc/hostname"; : > "$1/etc/resolv.conf"; : > "$1/etc/hosts"'
_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_FORMAT = 1
"""Raised when the way of bootstrapping changes, so that old images are not mistaken for new ones."""


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """What a base is made of (`[bootstrap]` in docker/base/images.toml)."""

    suite: str
    include: tuple[str, ...]
    dpkg_options: tuple[str, ...]
    refreshed: date

    @property
    def epoch(self) -> int:
        """Time stamp of all that is made, in seconds since 1970 (SOURCE_DATE_EPOCH)."""
        return int(datetime(self.refreshed.year, self.refreshed.month, self.refreshed.day, tzinfo=UTC).timestamp())

    def reference(self, foreign: str = "") -> str:
        """Return the image's local name, with a hash of all that goes into it; `foreign` as in `BaseImage.ensure`."""
        inputs = json.dumps([_FORMAT, self.suite, self.include, self.dpkg_options, self.epoch, _FORGET_HOST, _PATH])
        tag = f"{self.suite}-{hashlib.sha256(inputs.encode()).hexdigest()[:12]}"
        return f"indivillage/{NAME}:{tag}{foreign and f'-{foreign}'}"

    def argv(self, target: Path, foreign: str = "") -> list[str]:
        """Return the command that writes the file system to the tar file `target`; `auto` means root or a namespace."""
        command = ["mmdebstrap", "--quiet", "--mode=auto", "--variant=minbase", f"--include={','.join(self.include)}"]
        command += [f"--dpkgopt={option}" for option in self.dpkg_options]
        command += [f"--hook-dir={_MERGED_USR_HOOKS}", f"--customize-hook={_FORGET_HOST}"]
        command += [f"--architectures={foreign}"] if foreign else []
        return [*command, self.suite, str(target)]


def read_bootstrap(root: Path) -> Bootstrap:
    """Read docker/base/images.toml under `root`."""
    with (root / "docker" / "base" / "images.toml").open("rb") as file:
        table = tomllib.load(file)["bootstrap"]
    return Bootstrap(table["suite"], tuple(table["include"]), tuple(table["dpkg_options"]), table["refreshed"])


@dataclass(frozen=True, slots=True)
class BaseImage:
    """The base in the local engine. `environ` is what programs are run with (PATH, HOME, proxies)."""

    root: Path
    engine: DockerClient
    official: OfficialImages
    environ: Mapping[str, str]

    def ensure(self, log: Path, say: Callable[[str], None], foreign: str = "") -> LocalImage:
        """Return the base, pulling or bootstrapping it when the engine has none yet.

        `foreign` is an architecture other than the engine's own; "" means its own. Raises GateFailed when bootstrapping
        fails, Unreachable when no engine answers or mmdebstrap cannot be had.
        """
        if here := self.present(foreign):
            return here
        with file_lock.held(self.root / ".cache" / "base.lock"):
            pulled = self.present(foreign) or self.official.pull(NAME, say, foreign)
            return pulled or self._bootstrap(log, say, foreign)

    def present(self, foreign: str = "") -> LocalImage | None:
        """Return the base if the engine has it."""
        return self.official.pulled(NAME, foreign) or find(self.engine, read_bootstrap(self.root).reference(foreign))

    def _bootstrap(self, log: Path, say: Callable[[str], None], foreign: str) -> LocalImage:
        bootstrap = read_bootstrap(self.root)
        self._ensure_programs(log, say, foreign)
        say(f"no image registry in reach: bootstrapping Debian {bootstrap.suite} from its packages, about 20 s")
        with tempfile.TemporaryDirectory(prefix="base-", dir=self.root / ".cache") as folder:
            layer, archive = Path(folder, "layer.tar"), Path(folder, "image.tar")
            env = {**self.environ, "SOURCE_DATE_EPOCH": str(bootstrap.epoch), "LC_ALL": "C.UTF-8"}
            finished = process.run(bootstrap.argv(layer, foreign), cwd=self.root, env=env, log=log)
            if not finished.ok:
                raise GateFailed(
                    f"bootstrap Debian {bootstrap.suite}",
                    f"mmdebstrap ended with exit code {finished.returncode}",
                    "are Debian's mirrors in reach? apt-get update tells",
                    details=finished.tail[-15:],
                    log=log,
                )
            with reaching_engine("load the base image"):
                architecture = foreign or str(self.engine.version()["Arch"])
                reference = bootstrap.reference(foreign)
                write_archive(layer, archive, reference, architecture, bootstrap.epoch)
                with archive.open("rb") as file:
                    image = self.engine.images.load(file)[0]
                mark_used(image, reference)
        return LocalImage(reference, str(image.id))

    def _ensure_programs(self, log: Path, say: Callable[[str], None], foreign: str) -> None:
        """Have mmdebstrap, and for a foreign architecture arch-test, which it asks whether that can be run here."""
        wanted = {"mmdebstrap": ["mmdebstrap", "debian-archive-keyring", "uidmap"]}
        wanted |= {"arch-test": ["arch-test"]} if foreign else {}
        missing = [name for name in wanted if not shutil.which(name, path=self.environ.get("PATH"))]
        if not missing:
            return
        say(f"installing {' and '.join(missing)}")
        packages = [package for name in missing for package in wanted[name]]
        installer = str(self.root / "scripts" / "apt-install")
        installed = process.run([installer, *packages], cwd=self.root, env=self.environ, log=log)
        if not installed.ok:
            raise Unreachable(
                "make a Debian base image",
                f"no image registry is in reach to pull it from, and {' and '.join(missing)} cannot be installed",
                f"give the Docker Engine access to a registry, or on Debian or Ubuntu: apt-get install {missing[0]}",
                details=installed.tail[-10:],
                log=log,
            )


def write_archive(layer: Path, archive: Path, reference: str, architecture: str, epoch: int) -> None:
    """Write the file system `layer` (a tar) to `archive` as the image `reference`, as `docker load` takes it.

    Layout: OCI image-spec's predecessor, https://github.com/moby/docker-image-spec. Same input, same bytes.
    """
    with layer.open("rb") as file:
        diff_id = hashlib.file_digest(file, "sha256").hexdigest()
    created = datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    config = json.dumps(
        {
            "architecture": architecture,
            "os": "linux",
            "created": created,
            "config": {"Env": [_PATH], "Cmd": ["bash"]},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{diff_id}"]},
            "history": [{"created": created, "created_by": f"mmdebstrap {reference}"}],
        }
    ).encode()
    config_name = f"{hashlib.sha256(config).hexdigest()}.json"
    manifest = [{"Config": config_name, "RepoTags": [reference], "Layers": [f"{diff_id}/layer.tar"]}]

    def entry(name: str, size: int) -> tarfile.TarInfo:
        info = tarfile.TarInfo(name)
        info.size, info.mtime = size, epoch
        return info

    with tarfile.open(archive, "w") as tar:
        for name, content in ((config_name, config), ("manifest.json", json.dumps(manifest).encode())):
            tar.addfile(entry(name, len(content)), io.BytesIO(content))
        with layer.open("rb") as file:
            tar.addfile(entry(f"{diff_id}/layer.tar", layer.stat().st_size), file)
