"""What the measured clone left in the Docker Engine, and nothing that anybody else built."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

BASE = "indivillage/base:"
BUILT_FROM = "org.opencontainers.image.revision"


def left_behind(described: Iterable[Mapping[str, Any]], commits: Iterable[str], base_of: str) -> list[str]:
    """Names of the images (as `docker image inspect` describes them) that were built of `commits`, or on our own base.

    The base is known by its date, `base_of` (1999-12-31), and goes last: until then it is in use. Built on it is what
    starts with its layer. "" means that we have no base of our own.
    """
    images = list(described)
    ours = set(commits)
    bases = [image for image in images if base_of and _is_base(image) and image["Created"].startswith(base_of)]
    layers = {_layer(image) for image in bases}

    def is_ours(image: Mapping[str, Any]) -> bool:
        labels = (image.get("Config") or {}).get("Labels") or {}
        tagged = any(commit in tag for tag in _tags(image) for commit in ours)
        return labels.get(BUILT_FROM) in ours or tagged or _layer(image) in layers

    found = sorted((image for image in images if is_ours(image)), key=_is_base)
    return [tag for image in found for tag in _tags(image)]


def remove(clone: Path, env: Mapping[str, str], commits: Iterable[str], base_of: str) -> None:
    """Remove what `clone` built of `commits` and, when its base image has a date of its own, all that stands on it."""
    listed = set(_asked(["docker", "image", "ls", "--quiet"], clone, env).split())
    described = (
        json.loads(_asked(["docker", "image", "inspect", *sorted(listed)], clone, env) or "[]") if listed else []
    )
    for name in left_behind(described, commits, base_of):
        # Without force: what a container of anybody uses stays.
        _asked(["docker", "image", "rm", name], clone, env)


def _asked(argv: list[str], cwd: Path, env: Mapping[str, str]) -> str:
    """What a command prints; clearing up fails for nothing."""
    return subprocess.run(argv, cwd=cwd, env=env, check=False, capture_output=True, text=True).stdout


def _tags(image: Mapping[str, Any]) -> list[str]:
    return list(image.get("RepoTags") or [])


def _is_base(image: Mapping[str, Any]) -> bool:
    return any(tag.startswith(BASE) for tag in _tags(image))


def _layer(image: Mapping[str, Any]) -> str:
    layers: list[str] = (image.get("RootFS") or {}).get("Layers") or [""]
    return layers[0]
