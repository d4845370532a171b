"""A Docker Engine of plain dictionaries, and stand-ins for the programs that fill it."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import IO, Any

from docker.errors import APIError, ImageNotFound

BUILT = "sha256:built"
INSPECTED: Mapping[str, Any] = {
    "Architecture": "amd64",
    "Os": "linux",
    "Config": {"Cmd": ["app"], "Labels": {"a": "b"}, "Hostname": "of-this-engine"},
    "RootFS": {"Layers": ["sha256:01", "sha256:02"]},
}
STEPS = (
    {"CreatedBy": 'CMD ["app"]', "Comment": "buildkit.dockerfile.v0", "Size": 0, "Created": 1795454727},
    {"CreatedBy": "WORKDIR /app", "Comment": "buildkit.dockerfile.v0", "Size": 0, "Created": 1795454727},
    {"CreatedBy": "mmdebstrap base", "Comment": "", "Size": 74_000_000, "Created": 1795454700},
)
"""What the engine says of every image: two layers, the second made by a step that wrote nothing."""


@dataclass
class Engine:
    """Images by name. `registry` maps what can be pulled (`repository@digest`) to its id; None: no registry in reach.

    Names of what the stand-in docker command of `docker_cli` built are read from `built`. `containerd` makes it one
    with containerd's image store.
    """

    built: Path
    registry: Mapping[str, str] | None = None
    architecture: str = "amd64"
    there: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    loaded: list[dict[str, Any]] = field(default_factory=list)
    platforms: list[str | None] = field(default_factory=list)
    containerd: bool = False

    @property
    def images(self) -> Engine:
        """The image collection is this object too."""
        return self

    def ping(self) -> bool:
        """It answers."""
        return True

    def version(self) -> dict[str, str]:
        return {"Arch": self.architecture}

    def info(self) -> dict[str, Any]:
        store = [["driver-type", "io.containerd.snapshotter.v1"]] if self.containerd else [["Backing Filesystem", "x"]]
        return {"DriverStatus": store}

    def get(self, name: str) -> SimpleNamespace:
        if self.built.exists():
            self.there.update(dict.fromkeys(self.built.read_text().split(), BUILT))
        if name not in self.there:
            raise ImageNotFound(f"no such image: {name}")
        return self._image(self.there[name])

    def remove(self, name: str, *, noprune: bool) -> None:
        assert noprune, "its layers are those of the image that stays"
        del self.there[name]

    def get_registry_data(self, name: str) -> str:
        self.asked.append(name)
        if self.registry is None:
            raise APIError("dial tcp: no such host")
        return name

    def pull(self, repository: str, tag: str, platform: str | None = None) -> SimpleNamespace:
        self.platforms.append(platform)
        if self.registry is None or f"{repository}@{tag}" not in self.registry:
            raise APIError("manifest unknown")
        return self._image(self.registry[f"{repository}@{tag}"])

    def load(self, file: IO[bytes]) -> list[SimpleNamespace]:
        with tarfile.open(fileobj=file) as tar:
            members = {member.name: tar.extractfile(member) for member in tar.getmembers()}
            (manifest,) = json.loads(members["manifest.json"].read())
            config = json.loads(members[manifest["Config"]].read())
        self.loaded.append({"manifest": manifest, "config": config, "members": list(members)})
        identity = f"sha256:{manifest['Config'].removesuffix('.json')}"
        self.there[manifest["RepoTags"][0]] = identity
        return [self._image(identity)]

    def _image(self, identity: str) -> SimpleNamespace:
        def tag(repository: str, tag: str) -> None:
            self.there[f"{repository}:{tag}"] = identity

        names = [name for name, found in self.there.items() if found == identity]
        return SimpleNamespace(
            id=identity, attrs={"Size": 1000, **INSPECTED}, tags=names, tag=tag, history=lambda: STEPS
        )


def program(folder: Path, name: str, script: str) -> Path:
    """Put a shell script into `folder` under `name`."""
    folder.mkdir(exist_ok=True, parents=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def docker_cli(folder: Path, built: Path, version: str = "20.10.24", fails: str = "", buildx: str = "") -> Path:
    """Put a docker command into `folder` that can build: it notes its arguments, the context, and that it built.

    With `buildx` (a version) it has the plugin: it writes metadata instead of an id.
    """
    return program(
        folder,
        "docker",
        f"""
case "$1" in
  --version) echo "Docker version {version}, build 1"; exit ;;
  buildx) case "$2" in
    version) [ -z "{buildx}" ] && exit 1; echo "github.com/docker/buildx v{buildx}"; exit ;;
    inspect) echo "Platforms: linux/amd64, linux/386"; exit ;;
  esac ;;
esac
{fails}
for word in "$@"; do
  echo "$word" >> "{built}.arguments"
  case "$previous" in
    --iidfile) printf '%s' '{BUILT}' > "$word" ;;
    --metadata-file) echo '{{"containerimage.digest": "{BUILT}"}}' > "$word" ;;
    --tag) name=$word ;;
  esac
  previous=$word
done
(cd "$previous" && find . -type f | sort > "{built}.context")
echo '#7 [stage 1/2] RUN true'
echo "$name" >> "{built}"
""",
    )
