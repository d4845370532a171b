"""A builder that reaches the Docker Engine only when something is built."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import docker
from deployer.errors import Unreachable
from deployer.model import BuiltImage
from deployer.tools.image_build import ImageBuilder
from deployer.tools.local_builder import LocalBuilder


def build(builder: LocalBuilder, name: str, logs: Path) -> BuiltImage:
    """Build the image `name`."""
    return builder.build(name, commit="c", created=datetime(2026, 1, 1, tzinfo=UTC), log=logs / "log", say=str)


def test_making_it_asks_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command that builds nothing works without an engine; the first build says that there is none."""

    def none(*_: Any, **__: Any) -> None:
        raise docker.errors.DockerException("no engine")

    monkeypatch.setattr(docker, "from_env", none)
    builder = LocalBuilder(tmp_path, tmp_path)

    with pytest.raises(Unreachable):
        build(builder, "backend", tmp_path)


def test_builds_at_once_share_one_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All images are built side by side, by what is asked for and on one connection."""
    made: list[object] = []
    seen: list[tuple[object, str]] = []
    start = threading.Barrier(4)

    def from_env() -> object:
        made.append(object())
        return made[-1]

    def built(self: ImageBuilder, service: str, **_: Any) -> BuiltImage:
        seen.append((self.engine, service))
        return BuiltImage(service, "r", "i", 1, cached=True)

    def ask(name: str) -> BuiltImage:
        start.wait()
        return build(builder, name, tmp_path)

    monkeypatch.setattr(docker, "from_env", from_env)
    monkeypatch.setattr(ImageBuilder, "build", built)
    builder = LocalBuilder(tmp_path, tmp_path)
    with ThreadPoolExecutor(4) as pool:
        names = [image.service for image in pool.map(ask, "abcd")]

    assert ["a", "b", "c", "d"] == names
    assert 1 == len(made)
    assert {(made[0], name) for name in "abcd"} == set(seen)
