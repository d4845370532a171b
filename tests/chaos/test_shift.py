"""Production moves to a release and back under 200 requests a second, and nobody notices."""

from __future__ import annotations

from pathlib import Path

from tests.chaos.shift import shift_and_back
from tests.chaos.site import Site


def test_shift_and_rollback_harm_nobody(production: Site, seed: int, folder: Path) -> None:
    """No request fails, each form is stored exactly once, and the traffic follows the weights of each step."""
    findings = shift_and_back(production, seed, folder)

    print("\n".join(findings.told()))  # noqa: T201 - the figures are the answer
    assert [] == findings.mistakes
