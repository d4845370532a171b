"""The limits of AWS calls: near what was measured, and broken by what asks too often."""

from __future__ import annotations

import pytest

from tests.aws_calls import BLUE_GREEN, MEASURED, NOTHING, ROLLING, Limit, printed


@pytest.mark.parametrize("name", MEASURED)
def test_a_limit_is_about_half_as_much_again_as_was_measured(name: str) -> None:
    """Less would fail on a busy machine, more would let a release ask for everything twice."""
    limit, made, run_s, deploy_s = MEASURED[name]

    assert 1.39 <= limit.most(run_s, deploy_s) / made <= 1.61


def answer(made: int, run_s: float = 12.0, deploy_s: float = 2.0) -> dict[str, object]:
    """What `deploy --json` says, as far as this needs it."""
    stages = [{"name": "build", "duration_s": 1.0}, {"name": "deploy", "duration_s": deploy_s}]
    return {"aws_calls": {"s3.GetObject": 1, "ecs.DescribeServices": made - 1}, "duration_s": run_s, "stages": stages}


def test_one_call_too_many_is_told_with_what_was_called_most() -> None:
    """A number for the release, a rate for each second of the stage deploy, another one for the rest."""
    limit = Limit(100, 3.0, 0.5)

    assert () == limit.excess(answer(111))
    told = "112 AWS calls in 12 s, 111 are the most: ecs.DescribeServices 111, s3.GetObject 1"
    assert (told,) == limit.excess(answer(112))


def test_a_run_that_takes_longer_may_ask_more_often() -> None:
    """A bake of five minutes looks once a second; nothing that ends at once has any reason to."""
    assert BLUE_GREEN.excess(answer(900))
    assert () == BLUE_GREEN.excess(answer(900, 112.0, 102.0))
    assert ROLLING.excess(answer(900, 112.0, 102.0))
    assert NOTHING.excess(answer(900, 112.0, 102.0))


def test_the_printed_number_is_read() -> None:
    """And not being there is an error, not a zero."""
    assert 143 == printed("lint ok\ndev-20260304T050607Z-0123456 is live; 143 AWS calls\n")
    with pytest.raises(AssertionError):
        printed("dev-20260304T050607Z-0123456 is live\n")
