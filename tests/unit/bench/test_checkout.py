"""What the clone changes so that nothing of it was built before."""

from __future__ import annotations

import pytest

from tests.bench.checkout import CACHE_MOUNT, _mount


@pytest.mark.parametrize(
    "given", ["--mount=type=cache,target=/a/b,sharing=locked", "--mount=type=cache,id=x,target=/a/b"]
)
def test_a_cache_mount_becomes_one_that_nobody_has_filled(given: str) -> None:
    """Whether it had a name or not."""
    mine = CACHE_MOUNT.sub(lambda found: _mount("f00", found[1]), given)

    assert mine.startswith("--mount=type=cache,id=f00-a-b,target=/a/b")
