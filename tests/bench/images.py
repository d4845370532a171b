"""What the measured clone left in the Docker Engine, and nothing that anybody else built."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

BUILT_FROM = "org.opencontainers.image.revision"
BASE_NAME = """
import pathlib
from deployer.tools.base_image import read_bootstrap
print(read_bootstrap(pathlib.Path()).reference)
"""


def left_behind(described: Iterable[Mapping[str, Any]], commits: Iterable[str], base: str) -> list[str]:
    """Names of the images (as `docker image inspect` describes them) that were built of `commits` or on `base`.

    Built on the base is what starts with its layer. The base itself goes last: until then it is in use. Without one,
    `base` is empty.
    """
    images = list(described)
    ours = set(commits)
    layers = {_layer(image) for image in images if base and base in _tags(image)}

    def is_ours(image: Mapping[str, Any]) -> bool:
        labels = (image.get("Config") or {}).get("Labels") or {}
        tagged = any(commit in tag for tag in _tags(image) for commit in ours)
        return labels.get(BUILT_FROM) in ours or tagged or _layer(image) in layers

    names = [tag for image in images if is_ours(image) for tag in _tags(image)]
    return sorted(names, key=lambda name: name == base)


def remove(clone: Path, env: Mapping[str, str], commits: Iterable[str], *, own_base: bool) -> None:
    """Remove what `clone` built of `commits` and, when it has a base image of its own, all that stands on that."""
    base = _asked([str(clone / ".venv" / "bin" / "python"), "-c", BASE_NAME], clone, env).strip() if own_base else ""
    listed = set(_asked(["docker", "image", "ls", "--quiet"], clone, env).split())
    described = (
        json.loads(_asked(["docker", "image", "inspect", *sorted(listed)], clone, env) or "[]") if listed else []
    )
    for name in left_behind(described, commits, base):
        # Without force: what a container of anybody uses stays.
        _asked(["docker", "image", "rm", name], clone, env)


def _asked(argv: list[str], cwd: Path, env: Mapping[str, str]) -> str:
    """What a command prints; clearing up fails for nothing."""
    return subprocess.run(argv, cwd=cwd, env=env, check=False, capture_output=True, text=True).stdout


def _tags(image: Mapping[str, Any]) -> list[str]:
    return list(image.get("RepoTags") or [])


def _layer(image: Mapping[str, Any]) -> str:
    layers: list[str] = (image.get("RootFS") or {}).get("Layers") or [""]
    return layers[0]
