"""Whether traffic follows the weights."""

from __future__ import annotations

import math

import pytest

from tests.chaos.split import p_value, splits
from tests.chaos.weights import Held
from tests.load.answers import Answer


@pytest.mark.parametrize(
    ("counts", "weights", "p"),
    [
        # From tables of the chi-square distribution, one degree of freedom: 3.841 -> 0.05, 6.635 -> 0.01.
        ({"blue": 598, "green": 402}, {"blue": 60, "green": 40}, 0.897),
        ({"blue": 549, "green": 451}, {"blue": 50, "green": 50}, 0.002),
        ({"blue": 900, "green": 100}, {"blue": 9, "green": 1}, 1.0),
        ({"blue": 874, "green": 126}, {"blue": 90, "green": 10}, 0.006),
        ({"blue": 0, "green": 500}, {"blue": 0, "green": 100}, 1.0),
        ({"blue": 1, "green": 499}, {"blue": 0, "green": 100}, 0.0),
    ],
)
def test_probability_of_who_answered(counts: dict[str, int], weights: dict[str, int], p: float) -> None:
    """Counts near the weights are probable, others are not, and a color without weight may never answer."""
    assert p == pytest.approx(p_value(counts, weights), abs=0.001)


def test_too_few_answers_say_nothing() -> None:
    """Neither yes nor no."""
    assert math.isnan(p_value({"blue": 10, "green": 0}, {"blue": 90, "green": 10}))
    assert math.isnan(p_value({"blue": 0, "green": 0}, {"blue": 0, "green": 100}))


def test_only_answers_within_the_split_count() -> None:
    """One that was under way while it changed may have been sent by either."""
    answers = [
        Answer("200", 0.1, due=1.0, color="blue"),
        Answer("200", 0.1, due=2.0, color="blue"),
        Answer("200", 0.1, due=2.5, color="green"),
        Answer("200", 1.0, due=2.8, color="green"),
        Answer("201", 0.1, due=2.5),
    ]
    [found] = splits([Held(1.5, 3.0, {"blue": 50, "green": 50})], answers)

    assert ({"blue": 1, "green": 1}, 1.5) == (found.counts, found.seconds)
    assert found.told().startswith("blue 50, green 50: 1.5 s, answered by blue 1, green 1")
