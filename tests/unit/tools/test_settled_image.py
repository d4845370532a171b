"""The same content has the same id, whoever built it and whenever."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from deployer.tools.settled_image import settle, settled_config
from tests.unit.tools.engine import BUILT, INSPECTED, STEPS, Engine

CREATED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    """An engine that has just built something."""
    return Engine(tmp_path / "built", there={"indivillage/building:1": BUILT})


def test_image_is_loaded_again_without_its_layers_and_the_first_one_goes(engine: Engine) -> None:
    """The engine has the layers: the archive holds the config and a manifest that names them."""
    settled = settle(engine, "indivillage/building:1", "indivillage/web:1", CREATED)

    (loaded,) = engine.loaded
    assert {"indivillage/web:1": settled} == engine.there
    assert loaded["members"] == [f"{settled.removeprefix('sha256:')}.json", "manifest.json"]
    assert ["01/layer.tar", "02/layer.tar"] == loaded["manifest"]["Layers"]


def config(seen: dict[str, Any] | None = None, steps: Any = STEPS) -> dict[str, Any]:
    """The settled config of what the engine says."""
    read: dict[str, Any] = json.loads(settled_config({**INSPECTED, **(seen or {})}, steps, CREATED))
    return read


def test_times_are_the_commits_and_settings_are_the_images() -> None:
    """What an engine adds about itself is left out: two generations of it give the same id."""
    settled = config()

    assert {"2026-01-02T03:04:05Z"} == {settled["created"], *(step["created"] for step in settled["history"])}
    assert {"Cmd": ["app"], "Labels": {"a": "b"}} == settled["config"]
    assert [("mmdebstrap base", False), ("WORKDIR /app", False), ('CMD ["app"]', True)] == [
        (step["created_by"], step.get("empty_layer", False)) for step in settled["history"]
    ]


def test_another_build_of_the_same_content_is_the_same_config() -> None:
    later = [{**step, "Created": step["Created"] + 99} for step in STEPS]

    assert config() == config({"Id": "sha256:other", "Created": "now"}, later)


@pytest.mark.parametrize("change", [{"RootFS": {"Layers": ["sha256:03"]}}, {"Config": {"Cmd": ["b"]}}])
def test_other_content_is_another_config(change: dict[str, Any]) -> None:
    assert config() != config(change)


def test_history_that_cannot_be_told_is_left_out() -> None:
    """One that names more layers than there are would make `docker history` fail."""
    assert [] == config({"RootFS": {"Layers": ["sha256:01", "sha256:02", "sha256:03"]}})["history"]
