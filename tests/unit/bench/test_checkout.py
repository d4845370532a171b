"""What the clone changes so that nothing of it was built before."""

from __future__ import annotations

import pytest

from tests.bench.checkout import CACHE_MOUNT, LINE, REFRESHED, _mount
from tests.examples import ROOT


def test_the_files_that_the_clone_changes_are_as_it_expects() -> None:
    """Else a cold start would find what was built before, or no line to change."""
    images = (ROOT / "docker" / "base" / "images.toml").read_text(encoding="utf-8")
    mounts = [CACHE_MOUNT.findall(file.read_text(encoding="utf-8")) for file in ROOT.glob("docker/*/Dockerfile")]

    assert 1 == len(REFRESHED.findall(images))
    assert ["/var/cache/apt", "/var/lib/apt"] == sorted({target for found in mounts for target in found})
    assert LINE.search('"""Docstring."""\n\nBENCHMARKED = "0f"\n')


@pytest.mark.parametrize(
    "given", ["--mount=type=cache,target=/a/b,sharing=locked", "--mount=type=cache,id=x,target=/a/b"]
)
def test_a_cache_mount_becomes_one_that_nobody_has_filled(given: str) -> None:
    """Whether it had a name or not."""
    mine = CACHE_MOUNT.sub(lambda found: _mount("f00", found[1]), given)

    assert mine.startswith("--mount=type=cache,id=f00-a-b,target=/a/b")
