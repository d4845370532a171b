"""A fixed sample of `nox -s chaos`: a blue/green release is put back half way under load, and no visitor notices.

Development does for it, with production's strategy: to apply another environment would take minutes.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import aws_calls
from tests.chaos.shift import put_back
from tests.chaos.site import Site
from tests.chaos.stand import unlimited

from .conftest import KEPT, Checkout, deploy

SEED = 1
RATE = 100
TFVARS = "infrastructure/terraform/environments/development/terraform.tfvars"
LOST = "module.reconciler[0].aws_cloudwatch_log_group.this"
STEPS = f"[{', '.join(f'{{ weight_percent = {share}, bake_s = 6 }}' for share in (10, 50, 100))}]"


@pytest.fixture
def blue_green(prepared: Checkout) -> Iterator[Site]:
    """Development releases blue/green."""
    head = prepared.git("rev-parse", "HEAD")
    prepared.replace(TFVARS, 'strategy         = "rolling"', 'strategy         = "blue_green"')
    prepared.replace(TFVARS, "[{ weight_percent = 100, bake_s = 0 }]", STEPS)
    unlimited(prepared, "development")
    prepared.commit("Blue/green, and any number of forms from one address")
    answer = deploy(prepared, "--json").json
    assert () == aws_calls.BLUE_GREEN.excess(answer)
    yield Site(prepared, "dev")
    prepared.git("reset", "-q", "--hard", head)
    # A rolling environment has no reconciler, whose lines go with it.
    back = f"--allow-destroy={LOST}"
    if KEPT:
        deploy(prepared, back)
    else:
        prepared.inv("plan", "--env=dev", back)


def test_a_release_that_is_put_back_half_way_harms_nobody(blue_green: Site, tmp_path: Path) -> None:
    """0 failed requests of any kind, each form stored once, traffic by the weights: 10, 50, back."""
    findings = put_back(blue_green, SEED, tmp_path, RATE)

    print("\n".join(findings.told()))  # noqa: T201 - the figures are the answer
    assert [] == findings.mistakes, f"the same under more load: nox -s chaos -- --seed={SEED} -k shift"
