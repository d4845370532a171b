"""May the new color get more traffic? A pure decision over figures of both colors and the alarms' states.

Three answers. PASS: the figures are fresh, enough, and good. FAIL: they are bad enough that no further request could
mend them. HOLD: everything else; missing, stale or few data never are a PASS.

Error rate. The new color passes when, were its true rate the configured one, so few errors would be seen in at most 5
of 100 cases. Without any error that needs ln 0.05 / ln(1 - rate) requests: 59 for 5%, 299 for 1%. It fails as soon as
the errors seen are above the rate even if every request still missing from that number were good, or when blue's own
rate over the same window makes so many of green's errors no matter of chance (Fisher's exact test).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

from deployer.model import Figures, Limits

DOUBT = 0.05
"""How often a release whose errors are just at the limit may pass: 95% confidence."""

CHANCE = 0.001
"""Below this probability a difference is none of chance. Small, because it is asked again at every look of a step."""

LATENCY_SAMPLES = 59
"""Requests without which nobody can say where the slowest 5% begin: 0.95 ** 59 < 0.05."""

FRESH_PERIODS = 4
"""Data older than this many periods are stale. CloudWatch shows a load balancer's minute up to three minutes later."""

FRESH_S = 5.0
"""... and never fewer seconds than this: a busy machine is late without being wrong."""


class Word(StrEnum):
    """What a decision says."""

    PASS = "pass"  # noqa: S105
    HOLD = "hold"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Decision:
    """A word and the reason with its figures."""

    word: Word
    reason: str


def needed(rate: float, errors: int = 0) -> int:
    """How many requests it takes to be 95% sure that the true error rate is below `rate`, when `errors` failed.

    >>> needed(0.05), needed(0.01), needed(0.05, errors=1)
    (59, 299, 93)
    """
    if errors == 0:
        return math.ceil(math.log(DOUBT) / math.log1p(-rate))
    few, enough = errors, max(1, errors)
    while at_most(errors, enough, rate) > DOUBT:
        few, enough = enough, 2 * enough
    while enough - few > 1:
        middle = (few + enough) // 2
        few, enough = (few, middle) if at_most(errors, middle, rate) <= DOUBT else (middle, enough)
    return enough


def at_most(errors: int, requests: int, rate: float) -> float:
    """The probability of at most `errors` failures among `requests` of which each fails with probability `rate`."""
    if errors >= requests:
        return 1.0
    logs = (
        _log_choose(requests, k) + k * math.log(rate) + (requests - k) * math.log1p(-rate) for k in range(errors + 1)
    )
    return min(1.0, math.fsum(math.exp(value) for value in logs))


def by_chance(green: Figures, blue: Figures) -> float:
    """The probability that green got at least this many of all errors if both colors failed equally often.

    >>> round(by_chance(Figures(10, 5), Figures(10, 0)), 3)
    0.016
    """
    errors, requests = green.errors + blue.errors, green.requests + blue.requests
    whole = _log_choose(requests, errors)
    most = min(errors, green.requests)
    logs = (
        _log_choose(green.requests, k) + _log_choose(blue.requests, errors - k) - whole
        for k in range(max(green.errors, errors - blue.requests), most + 1)
    )
    return min(1.0, math.fsum(math.exp(value) for value in logs))


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def decide(
    green: Figures,
    blue: Figures | None,
    alarms: Mapping[str, str],
    limits: Limits,
    ignored: Collection[str] = (),
) -> Decision:
    """Judge the new color. `blue` is None when it gets no requests; `ignored` alarms fired before the release began."""
    firing = sorted(name for name, state in alarms.items() if state == "ALARM" and name not in ignored)
    if firing:
        return Decision(Word.FAIL, f"alarm {', '.join(firing)}")
    worse = _errors(green, blue, limits) or _latency(green, blue, limits)
    if worse:
        return Decision(Word.FAIL, worse)
    lacking = _lacking(green, blue, alarms, limits)
    if lacking:
        return Decision(Word.HOLD, lacking)
    compared = f"; compared with {told(blue)}" if blue else "; nothing to compare with"
    return Decision(Word.PASS, f"{told(green)}{compared}")


def told(figures: Figures) -> str:
    """The figures in words."""
    p95 = "no p95" if figures.p95_ms is None else f"p95 {figures.p95_ms:.0f} ms"
    return f"{figures.errors} errors in {figures.requests} requests, {p95}"


def _errors(green: Figures, blue: Figures | None, limits: Limits) -> str:
    """Why the error rate cannot be borne; "" when it can, as far as is known."""
    rate = limits.error_rate_percent / 100
    if green.errors > rate * max(green.requests, needed(rate)):
        share = 100 * green.errors / max(1, green.requests)
        return f"{told(green)}: {share:.1f}% failed, {limits.error_rate_percent:g}% are the limit"
    if blue and green.errors and blue.requests and by_chance(green, blue) < CHANCE:
        return f"{told(green)}, but the other color has {told(blue)}: that is no chance"
    return ""


def _latency(green: Figures, blue: Figures | None, limits: Limits) -> str:
    """Why the 95th percentile cannot be borne; "" when it can, or nobody can say."""
    if green.p95_ms is None or green.requests < LATENCY_SAMPLES:
        return ""
    if green.p95_ms > limits.latency_p95_ms:
        return f"{told(green)}: {limits.latency_p95_ms:g} ms are the limit"
    if blue and blue.p95_ms is not None and blue.requests >= LATENCY_SAMPLES:
        most_ms = max(2 * blue.p95_ms, blue.p95_ms + limits.latency_p95_ms / 4)
        if green.p95_ms > most_ms:
            return (
                f"{told(green)}, but the other color has {told(blue)}: more than {most_ms:.0f} ms is slower than that"
            )
    return ""


def _lacking(green: Figures, blue: Figures | None, alarms: Mapping[str, str], limits: Limits) -> str:
    """What is still missing before anything can be said; "" when nothing is."""
    absent = sorted(name for name, state in alarms.items() if state == "missing")
    if absent:
        return f"alarm {', '.join(absent)} does not exist"
    stale_s = max(FRESH_S, FRESH_PERIODS * limits.period_s)
    for name, figures in (("the new color", green), ("the other color", blue)):
        if figures is not None and (figures.age_s is None or figures.age_s > stale_s):
            age = "there are none" if figures.age_s is None else f"the newest is {figures.age_s:.0f} s old"
            return f"no fresh metrics of {name}: {age}"
    rate = limits.error_rate_percent / 100
    if at_most(green.errors, green.requests, rate) > DOUBT:
        return f"{told(green)}: {needed(rate, green.errors)} requests are needed to exclude {100 * rate:g}% of errors"
    if green.requests < LATENCY_SAMPLES or green.p95_ms is None:
        return f"{told(green)}: {LATENCY_SAMPLES} are needed for a 95th percentile"
    if blue is not None and (blue.requests < LATENCY_SAMPLES or blue.p95_ms is None):
        return f"the other color has {told(blue)}: {LATENCY_SAMPLES} are needed to compare with"
    return ""
