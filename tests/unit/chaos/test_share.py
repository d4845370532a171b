"""Which failures a broken release explains."""

from __future__ import annotations

from dataclasses import replace

from tests.chaos.share import Attempt, allowed
from tests.chaos.weights import Look
from tests.load.answers import Answer

BLUE, TENTH = {"blue": 100, "green": 0}, {"blue": 90, "green": 10}
LOOKS = [Look(float(at), TENTH if 20 <= at < 26 else BLUE) for at in range(40)]
BROKEN = Attempt(True, 10, 30, "green")
FAILED = Answer("500", 0.1, due=22.0)


def test_only_errors_while_it_had_a_share_are_its_own() -> None:
    """Not before, not after, and never those of a release that works."""
    assert allowed(FAILED, LOOKS, [BROKEN])
    assert not allowed(replace(FAILED, due=15.0), LOOKS, [BROKEN])
    assert not allowed(replace(FAILED, due=28.0), LOOKS, [BROKEN])
    assert not allowed(FAILED, LOOKS, [replace(BROKEN, harms=False)])
    assert not allowed(FAILED, LOOKS, [replace(BROKEN, color="blue", begin=30, end=40)])
    assert not allowed(FAILED, LOOKS, [])


def test_a_connection_that_is_cut_is_never_its_own() -> None:
    """It answers with 500; whatever else went wrong is the deployment's."""
    assert not allowed(replace(FAILED, outcome="503"), LOOKS, [BROKEN])
    assert not allowed(replace(FAILED, outcome="NoAnswer"), LOOKS, [BROKEN])
