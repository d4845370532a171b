"""A fixed sample of `nox -s chaos`: production is put back half way under load, and no visitor notices."""

from __future__ import annotations

from pathlib import Path

from tests.chaos.shift import put_back
from tests.chaos.site import Site
from tests.chaos.stand import unlimited

from .conftest import Checkout

SEED = 1
RATE = 100


def test_a_release_that_is_put_back_half_way_harms_nobody(prepared: Checkout, tmp_path: Path) -> None:
    """0 failed requests of any kind, each form stored once, traffic by the weights: 10, 50, back."""
    unlimited(prepared, "production")
    prepared.commit("Any number of forms from one address")
    production = Site(prepared, "prod")
    production.inv("deploy")

    findings = put_back(production, SEED, tmp_path, RATE)

    print("\n".join(findings.told()))  # noqa: T201 - the figures are the answer
    assert [] == findings.mistakes, f"the same again: nox -s chaos -- --seed={SEED} -k shift"
