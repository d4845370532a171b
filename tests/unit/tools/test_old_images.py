"""Which images `inv clean` takes away: ours, unused for a week, not the newest, in no container."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from docker.errors import APIError, ImageNotFound

from deployer.errors import Unreachable
from deployer.tools.old_images import NamedImage, find, unused
from deployer.tools.waste import BUILD_CACHE_BYTES, NEWEST

NOW = datetime(2026, 3, 31, tzinfo=UTC)
OLD = 30
"""Days, long past the rule's seven."""


def images(repository: str, *days: float) -> list[NamedImage]:
    """Images of one name, each last used so many days ago; their tags are their numbers."""
    return [
        NamedImage(repository, str(number), f"sha256:{repository}{number}", NOW - timedelta(days=day))
        for number, day in enumerate(days)
    ]


def gone(named: list[NamedImage], *in_containers: str) -> list[str]:
    """Tags of those that go."""
    return [image.tag for image in unused(named, frozenset(in_containers), NOW)]


def test_old_ones_go_oldest_first_and_the_newest_stay() -> None:
    """However old those are."""
    named = images("indivillage/backend", OLD, OLD + 1, OLD + 2, OLD + 3, OLD + 4)

    assert 3 == NEWEST
    assert ["4", "3"] == gone(named)


def test_one_used_within_a_week_stays_however_many_there_are() -> None:
    """By any checkout of this machine: they share the engine."""
    assert [] == gone(images("indivillage/backend", *[6.9] * 20))
    assert ["4"] == gone(images("indivillage/backend", 1, 1, 1, 6.9, 7.1))


def test_one_of_a_container_stays() -> None:
    named = images("indivillage/backend", OLD, OLD, OLD, OLD, OLD + 1, OLD + 2)

    assert ["5", "4", "0"] != gone(named, named[5].image_id)
    assert "5" not in gone(named, named[5].image_id)


@pytest.mark.parametrize(
    "repository",
    [
        *("indivillage/web", "localhost:4566/indivillage/web"),
        "123456789012.dkr.ecr.ap-south-1.amazonaws.com/indivillage/web",
    ],
)
def test_ours_is_named_so_with_or_without_a_registry(repository: str) -> None:
    assert ["3"] == gone(images(repository, OLD, OLD, OLD, OLD + 1))


@pytest.mark.parametrize(
    "repository",
    [
        *(
            "debian",
            "postgres",
            "indivillage",
            "indivillagers/web",
            "other/indivillage/web",
            "docker.io/indivillage/web",
        ),
        *("localhost:5000/other/web", "registry.example/indivillage/web", "indivillage/web/deeper"),
    ],
)
def test_what_is_not_ours_is_never_touched(repository: str) -> None:
    assert [] == gone(images(repository, *[OLD] * 10))


class Engine:
    """As much of the Docker SDK as is asked. `tagged` maps a reference to days since its last use (None: unknown)."""

    def __init__(self, tagged: dict[str, float | None], used: tuple[str, ...] = (), cache: Any = ()) -> None:
        self.tagged = tagged
        self.used = used
        self.cache = cache
        self.pruned: list[dict[str, Any]] = []
        self.refuses = False
        self.vanishing: set[str] = set()
        self.images = self.api = self.containers = self

    def list(self, **options: Any) -> Any:
        assert options == {"all": True, "sparse": True}
        return [SimpleNamespace(attrs={"ImageID": f"sha256:{name}"}) for name in self.used]

    def get(self, name: str) -> Any:
        name = name.removeprefix("sha256:")
        if name not in self.tagged or name in self.vanishing:
            raise ImageNotFound("no such image")
        days = self.tagged[name]
        named = "0001-01-01T00:00:00Z" if days is None else f"{NOW - timedelta(days=days):%Y-%m-%dT%H:%M:%S}.123456789Z"
        attrs = {"Metadata": {"LastTagTime": named}, "Created": "2026-01-01T00:00:00Z"}
        return SimpleNamespace(id=f"sha256:{name}", tags=[name], attrs=attrs)

    def df(self) -> Any:
        images = [{"Id": f"sha256:{n}", "RepoTags": [n], "Size": 200, "SharedSize": 150} for n in self.tagged]
        return {"Images": [*images, {"Id": "sha256:0", "RepoTags": None, "Size": 1}], "BuildCache": self.cache}

    def remove(self, name: str) -> None:
        if self.refuses:
            raise APIError("conflict", SimpleNamespace(status_code=409))
        del self.tagged[name]

    def prune_builds(self, **options: Any) -> None:
        self.pruned.append(options)


def backends(*days: float | None) -> dict[str, float | None]:
    """Images of the backend by reference."""
    return {f"indivillage/backend:{number}": day for number, day in enumerate(days)}


def test_removing_takes_the_name_away_and_leaves_the_rest() -> None:
    """Its size is what it does not share with others."""
    engine = Engine({**backends(1, 1, 1, OLD, None), "debian:12": OLD})

    found = find(engine, NOW)  # type: ignore[arg-type]
    for waste in found:
        waste.remove()

    assert [("image indivillage/backend:4", 50), ("image indivillage/backend:3", 50)] == [
        (waste.what, waste.size_bytes) for waste in found
    ]
    assert {"indivillage/backend:0", "indivillage/backend:1", "indivillage/backend:2", "debian:12"} == set(
        engine.tagged
    )


def test_image_that_a_stopped_container_was_made_of_stays() -> None:
    """It may be started again."""
    engine = Engine(backends(1, 1, 1, OLD), used=("indivillage/backend:3",))

    assert [] == find(engine, NOW)  # type: ignore[arg-type]


def test_image_that_was_used_since_it_was_shown_stays() -> None:
    """Another checkout built from it meanwhile, removed it, or runs it."""
    engine = Engine(backends(1, 1, 1, OLD, OLD, OLD))
    first, second, third = find(engine, NOW)  # type: ignore[arg-type]
    names = [waste.what.removeprefix("image ") for waste in (first, second, third)]
    engine.tagged[names[0]] = 0.1
    del engine.tagged[names[1]]
    first.remove()
    second.remove()
    engine.refuses = True
    third.remove()

    assert {names[0], names[2]} <= set(engine.tagged)


def test_image_that_goes_while_it_is_looked_at_is_no_matter() -> None:
    """Other checkouts build and clean at the same time."""
    engine = Engine(backends(1, 1, 1, OLD, OLD))
    engine.vanishing = {"indivillage/backend:3"}

    assert ["image indivillage/backend:4"] == [waste.what for waste in find(engine, NOW)]  # type: ignore[arg-type]


def record(size: int, days: float, **more: Any) -> dict[str, Any]:
    """One part of BuildKit's cache."""
    return {"Size": size, "LastUsedAt": f"{NOW - timedelta(days=days):%Y-%m-%dT%H:%M:%SZ}", **more}


def test_build_cache_goes_down_to_its_bound_by_parts_unused_for_a_week() -> None:
    """What images hold too takes no space, and what is in use stays."""
    idle, busy = record(3_000_000_000, OLD), record(BUILD_CACHE_BYTES - 1_000_000_000, 1)
    engine = Engine({}, cache=[idle, busy, record(9**15, OLD, Shared=True), record(5, OLD, InUse=True)])

    (part,) = find(engine, NOW)  # type: ignore[arg-type]
    part.remove()

    assert 2_000_000_005 == part.size_bytes
    assert [{"filters": {"until": "168h"}, "keep_storage": BUILD_CACHE_BYTES, "all": True}] == engine.pruned


@pytest.mark.parametrize("cache", [[record(BUILD_CACHE_BYTES, OLD)], [record(BUILD_CACHE_BYTES * 2, 1)], None])
def test_build_cache_below_its_bound_or_in_daily_use_stays(cache: Any) -> None:
    assert [] == find(Engine({}, cache=cache), NOW)  # type: ignore[arg-type]


def test_engine_that_is_gone_is_unreachable() -> None:
    engine = Engine({})
    engine.df = lambda: (_ for _ in ()).throw(APIError("gone"))  # type: ignore[method-assign]

    with pytest.raises(Unreachable, match="look for old images"):
        find(engine, NOW)  # type: ignore[arg-type]
