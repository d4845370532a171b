"""The images' sources are as the bench takes them to be."""

from __future__ import annotations

from tests.bench.checkout import CACHE_MOUNT, LINE, REFRESHED
from tests.examples import ROOT


def test_the_files_that_the_clone_changes_are_as_it_expects() -> None:
    """Else a cold start would find what was built before, or no line to change."""
    images = (ROOT / "docker" / "base" / "images.toml").read_text(encoding="utf-8")
    mounts = [CACHE_MOUNT.findall(file.read_text(encoding="utf-8")) for file in ROOT.glob("docker/*/Dockerfile")]

    assert 1 == len(REFRESHED.findall(images))
    assert ["/var/cache/apt", "/var/lib/apt"] == sorted({target for found in mounts for target in found})
    assert LINE.search('"""Docstring."""\n\nBENCHMARKED = "0f"\n')
