"""What the clone changes so that nothing of it was built before."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench.checkout import CACHE_MOUNT, _mount, port_offset


@pytest.mark.parametrize(
    "given", ["--mount=type=cache,target=/a/b,sharing=locked", "--mount=type=cache,id=x,target=/a/b"]
)
def test_a_cache_mount_becomes_one_that_nobody_has_filled(given: str) -> None:
    """Whether it had a name or not."""
    mine = CACHE_MOUNT.sub(lambda found: _mount("f00", found[1]), given)

    assert mine.startswith("--mount=type=cache,id=f00-a-b,target=/a/b")


@pytest.mark.parametrize("place", ["/a", "/a user's naïve – Übung/checkout", "/b"])
def test_its_cloud_keeps_away_from_the_ports_that_others_choose(place: str) -> None:
    """Clouds move up in tens from 4566, 8080 and 8081; a port that two kinds could have would never be both."""
    offset = port_offset(Path(place))

    assert offset == port_offset(Path(place))
    assert 0 == offset % 10
    assert 2000 <= offset < 12_000
