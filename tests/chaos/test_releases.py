"""Ten releases in a row, three of them broken: only those who were sent to a broken one may notice."""

from __future__ import annotations

from pathlib import Path

from tests.chaos.releases import ten_releases
from tests.chaos.site import Site


def test_broken_releases_go_back_by_themselves(production: Site, seed: int, folder: Path, rate: float) -> None:
    """Each ends as it should, and no request fails outside the share that the weights sent to it."""
    findings = ten_releases(production, seed, folder, rate)

    print("\n".join(findings.told()))  # noqa: T201 - the figures are the answer
    assert [] == findings.mistakes
