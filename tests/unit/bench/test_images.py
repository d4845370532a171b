"""Which images the benchmark removes: its own, whoever else uses the engine."""

from __future__ import annotations

from typing import Any

from tests.bench.images import BUILT_FROM, left_behind


def image(tag: str, layer: str, commit: str = "", created: str = "2026-11-25T10:00:00Z") -> dict[str, Any]:
    """What `docker image inspect` says of an image."""
    labels = {BUILT_FROM: commit} if commit else None
    return {"RepoTags": [tag], "RootFS": {"Layers": [layer, "more"]}, "Config": {"Labels": labels}, "Created": created}


ENGINE = [
    image("indivillage/base:theirs", "sha256:theirs"),
    image("indivillage/backend:theirs", "sha256:theirs", "abc"),
    image("indivillage/base:mine", "sha256:mine", created="1999-12-31T00:00:00Z"),
    image("indivillage/postgres:mine", "sha256:mine"),
    image("indivillage/backend:mine", "sha256:theirs", "def"),
    image("localhost:4566/indivillage/frontend:dev-def", "sha256:theirs", "abc"),
    {"RepoTags": None, "RootFS": {}, "Config": {}},
]


def test_images_of_its_own_commits_and_on_its_own_base_go_and_the_base_last() -> None:
    """Postgres carries no commit, and is known by the layer it starts with."""
    assert [
        "indivillage/postgres:mine",
        "indivillage/backend:mine",
        "localhost:4566/indivillage/frontend:dev-def",
        "indivillage/base:mine",
    ] == left_behind(ENGINE, ["def"], "1999-12-31")


def test_on_a_base_that_others_use_only_its_own_commits_go() -> None:
    """Nor does a base that was never made take anything along."""
    mine = ["indivillage/backend:mine", "localhost:4566/indivillage/frontend:dev-def"]

    assert mine == left_behind(ENGINE, ["def"], "")
    assert mine == left_behind(ENGINE, ["def"], "1990-01-01")
