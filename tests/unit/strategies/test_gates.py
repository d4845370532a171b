"""The decision: what passes, what fails, and what neither does."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from deployer.model import Figures, Limits
from deployer.strategies import gates
from deployer.strategies.gates import Decision, Word

LIMITS = Limits(error_rate_percent=5, latency_p95_ms=1000, period_s=1)
GOOD = Figures(requests=300, errors=0, p95_ms=50, age_s=1)
QUIET = {"errors": "OK"}


def decide(green: Figures = GOOD, blue: Figures | None = GOOD, **states: str) -> Decision:
    """What is said of `green` beside `blue`."""
    return gates.decide(green, blue, QUIET | states, LIMITS)


def test_good_figures_pass_and_are_told() -> None:
    """Both colors' figures are in the reason."""
    expected = "0 errors in 300 requests, p95 50 ms; compared with 0 errors in 300 requests, p95 50 ms"
    assert Decision(Word.PASS, expected) == decide()


def test_alone_there_is_nothing_to_compare_with() -> None:
    """The first release says so."""
    assert "0 errors in 300 requests, p95 50 ms; nothing to compare with" == decide(blue=None).reason


@pytest.mark.parametrize(("percent", "expected"), [(5, 59), (1, 299), (0.1, 2995)])
def test_how_many_requests_it_takes(percent: float, expected: int) -> None:
    """Ln 0.05 / ln(1 - p)."""
    assert expected == gates.needed(percent / 100)


@pytest.mark.parametrize(("requests", "expected"), [(0, Word.HOLD), (58, Word.HOLD), (59, Word.PASS)])
def test_below_the_number_there_is_no_verdict(requests: int, expected: Word) -> None:
    """One request more or less decides."""
    assert expected is decide(replace(GOOD, requests=requests)).word


def test_errors_ask_for_more_requests() -> None:
    """One error is no failure at 5%, but then 59 requests do not prove that it is less."""
    seen = [decide(replace(GOOD, requests=requests, errors=1)).word for requests in (59, 92, 93)]
    assert [Word.HOLD, Word.HOLD, Word.PASS] == seen


@pytest.mark.parametrize(("errors", "expected"), [(2, Word.HOLD), (3, Word.FAIL)])
def test_too_many_errors_fail_before_all_requests_are_there(errors: int, expected: Word) -> None:
    """Three of 59 are more than 5%, whatever the requests still missing will say."""
    assert expected is decide(replace(GOOD, requests=10, errors=errors), replace(GOOD, errors=100)).word


def test_a_release_at_the_limit_passes_in_one_of_twenty_cases_at_most() -> None:
    """Drawn, with a fixed seed: a true error rate of 5% against a limit of 5%."""
    draw = random.Random(4)  # noqa: S311
    passed = sum(
        decide(replace(GOOD, errors=sum(draw.random() < 0.05 for _ in range(300)))).word is Word.PASS
        for _ in range(1000)
    )
    assert passed <= 50


def test_worse_than_blue_beyond_chance_fails_below_the_limit() -> None:
    """4% are allowed, but blue has none of it."""
    assert Word.FAIL is decide(Figures(1000, 40, 50, 1), Figures(1000, 2, 50, 1)).word
    assert Word.PASS is decide(Figures(1000, 12, 50, 1), Figures(1000, 8, 50, 1)).word


@pytest.mark.parametrize(
    ("green", "blue"),
    [
        (Figures(0, 0, 50, 1, own=1), Figures(500, 0, 50, 1, own=1)),
        (Figures(20, 0, 50, 1, own=2), Figures(2000, 0, 50, 1, own=2)),
        (Figures(0, 0, 50, 1, own=1), Figures(1, 0, 50, 1, own=1)),
        (Figures(20, 1, 50, 1, own=1), Figures(2000, 40, 50, 1, own=1)),
    ],
)
def test_the_balancer_s_own_errors_are_not_compared(green: Figures, blue: Figures) -> None:
    """Both colors are told of the same ones: they weigh more on who had fewer requests."""
    assert Word.HOLD is decide(green, blue).word


def test_the_balancer_s_own_errors_count_against_the_limit() -> None:
    """They may be green's, and they are told."""
    decision = decide(replace(GOOD, errors=1, own=15))
    assert (Word.FAIL, True) == (decision.word, "15 more 5xx of the load balancer itself: 5.3%" in decision.reason)
    assert Word.HOLD is decide(replace(GOOD, requests=59, own=1)).word


@pytest.mark.parametrize(
    ("green", "blue", "expected"),
    [
        (Figures(0, 1), Figures(1, 1), 1.0),
        (Figures(1, 2), Figures(1, 1), 1.0),
        (Figures(10, 5), Figures(0, 3), 1.0),
        (Figures(10, 12), Figures(10, 0), 5.4e-06),
    ],
)
def test_more_errors_than_requests_are_all_of_them(green: Figures, blue: Figures, expected: float) -> None:
    """An answer can fall into a later period than its request."""
    assert expected == pytest.approx(gates.by_chance(green, blue), rel=0.01)


@pytest.mark.parametrize(
    ("figures", "expected"),
    [
        (GOOD, True),
        (replace(GOOD, errors=100), False),
        (replace(GOOD, own=100), False),
        (replace(GOOD, p95_ms=1001), False),
        (replace(GOOD, age_s=None), False),
        (replace(GOOD, requests=58), False),
    ],
)
def test_a_measure_does_well_itself(figures: Figures, expected: bool) -> None:
    """Within the limits, as far as fresh and sufficient figures say."""
    assert expected is gates.sound(figures, LIMITS)


@pytest.mark.parametrize(
    ("green_ms", "blue_ms", "expected"),
    [(1001, 900, Word.FAIL), (999, 900, Word.PASS), (290, 50, Word.PASS), (310, 50, Word.FAIL), (700, 340, Word.FAIL)],
)
def test_latency_is_held_against_the_limit_and_against_blue(green_ms: float, blue_ms: float, expected: Word) -> None:
    """Twice as slow as blue, and by a quarter of the limit at least."""
    assert expected is decide(replace(GOOD, p95_ms=green_ms), replace(GOOD, p95_ms=blue_ms)).word


def test_few_slow_requests_are_no_percentile() -> None:
    """The first requests of a cold task are slow."""
    assert Word.HOLD is decide(replace(GOOD, requests=20, p95_ms=5000)).word


@pytest.mark.parametrize("age_s", [None, 6])
@pytest.mark.parametrize("color", ["green", "blue"])
def test_missing_and_stale_data_never_advance(age_s: float | None, color: str) -> None:
    """Of either color."""
    old = replace(GOOD, age_s=age_s)
    decision = decide(old) if color == "green" else decide(blue=old)
    assert (Word.HOLD, True) == (decision.word, "no fresh metrics" in decision.reason)


def test_minutes_are_fresh_where_periods_are_minutes() -> None:
    """What is stale follows from the period."""
    limits = replace(LIMITS, period_s=60)
    seen = [gates.decide(replace(GOOD, age_s=age), None, QUIET, limits).word for age in (200, 241)]
    assert [Word.PASS, Word.HOLD] == seen


def test_blue_with_few_visitors_gives_nothing_to_compare() -> None:
    """While it serves, its figures are wanted."""
    assert Word.HOLD is decide(blue=replace(GOOD, requests=10)).word


@pytest.mark.parametrize(
    ("state", "expected"),
    [("ALARM", Word.FAIL), ("missing", Word.HOLD), ("INSUFFICIENT_DATA", Word.HOLD), ("few", Word.PASS)],
)
def test_alarms(state: str, expected: Word) -> None:
    """Gone or without a state is no all-clear; one that ignores few samples leaves them to the figures."""
    assert expected is decide(latency=state).word


def test_without_any_alarm_nothing_passes() -> None:
    """Nothing would stop the release."""
    decision = gates.decide(GOOD, GOOD, {}, LIMITS)
    assert (Word.FAIL, True) == (decision.word, "there is no alarm" in decision.reason)


def test_an_alarm_that_was_accepted_does_not_count() -> None:
    """It fired before the release that is to end it; another one counts."""
    states = QUIET | {"latency": "ALARM"}
    assert Word.PASS is gates.decide(GOOD, GOOD, states, LIMITS, ("latency",)).word
    assert Word.FAIL is gates.decide(GOOD, GOOD, states | {"hosts": "ALARM"}, LIMITS, ("latency",)).word
    assert Word.PASS is gates.decide(GOOD, GOOD, QUIET | {"latency": "INSUFFICIENT_DATA"}, LIMITS, ("latency",)).word
