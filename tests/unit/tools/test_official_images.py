"""Official images are pulled by digest where a registry answers, and done without where none does."""

from __future__ import annotations

from pathlib import Path

import pytest

from deployer.tools.official_images import LocalImage, OfficialImages, find
from tests.unit.tools.engine import Engine

DIGEST = "sha256:" + "ab" * 32
IMAGES = f'[official]\npostgres = "postgres:15-alpine@{DIGEST}"\n'


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A checkout that pins one official image."""
    (tmp_path / "docker/base").mkdir(parents=True)
    (tmp_path / "docker/base/images.toml").write_text(IMAGES)
    return tmp_path


def official(root: Path, engine: Engine) -> OfficialImages:
    """The images of `root` in `engine`."""
    return OfficialImages(root, engine, probing=lambda: engine)


def test_image_is_pulled_by_digest_and_kept_under_a_name_of_ours(root: Path) -> None:
    engine = Engine(root / "built", registry={f"postgres@{DIGEST}": "sha256:1"})

    pulled = official(root, engine).pull("postgres", lambda _: None)

    assert pulled == LocalImage("indivillage/postgres:official-abababababab", "sha256:1")
    assert official(root, engine).pulled("postgres") == pulled


def test_without_a_registry_nothing_is_pulled_and_it_is_asked_once(root: Path) -> None:
    engine = Engine(root / "built", registry=None)
    images = official(root, engine)

    answers = [images.pull("postgres", lambda _: None) for _ in range(3)]

    assert answers == [None, None, None]
    assert len(engine.asked) == 1


def test_image_that_is_not_pinned_is_never_asked_for(root: Path) -> None:
    engine = Engine(root / "built", registry={})

    assert official(root, engine).pull("backend", lambda _: None) is None
    assert official(root, engine).pulled("backend") is None
    assert engine.asked == []


def test_pull_that_fails_is_told_and_done_without(root: Path) -> None:
    """The registry answered the question but lost the image: a base can still be bootstrapped."""
    said: list[str] = []

    assert official(root, Engine(root / "built", registry={})).pull("postgres", said.append) is None
    assert "manifest unknown" in said[-1]


def test_unknown_image_is_not_found(tmp_path: Path) -> None:
    assert find(Engine(tmp_path / "built"), "indivillage/x:1") is None
