"""May the new color get more traffic? A pure decision over figures of both colors and the alarms' states.

Three answers. PASS: the figures are fresh, enough, and good. FAIL: they are bad enough that no further request could
mend them. HOLD: everything else; missing, stale or few data never are a PASS.

Error rate. The new color passes when, were its true rate the configured one, so few errors would be seen in at most 5
of 100 cases. Without any error that needs ln 0.05 / ln(1 - rate) requests: 59 for 5%, 299 for 1%. It fails as soon as
the errors seen are above the rate even if every request still missing from that number were good, or when blue's own
rate over the same window makes so many of green's errors no matter of chance (Fisher's exact test).

The load balancer's own 5xx count against the rate, if the caller leaves them in the figures, and never in that
comparison: nobody knows whose they are.
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
    # A request and its answer can fall into different periods: there may be more errors than requests.
    of_green, of_blue = min(green.errors, green.requests), min(blue.errors, blue.requests)
    errors, requests = of_green + of_blue, green.requests + blue.requests
    whole = _log_choose(requests, errors)
    most = min(errors, green.requests)
    logs = (
        _log_choose(green.requests, k) + _log_choose(blue.requests, errors - k) - whole
        for k in range(of_green, most + 1)
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
    """Judge the new color. `blue` is None when there is nothing to compare with; `ignored` alarms say nothing of it.

    Without any alarm it fails: nothing would stop the release, and waiting makes none.
    """
    if not alarms:
        return Decision(Word.FAIL, "there is no alarm that could stop it; `inv apply` makes them")
    firing = sorted(name for name, state in alarms.items() if state == "ALARM" and name not in ignored)
    if firing:
        return Decision(Word.FAIL, f"alarm {', '.join(firing)}")
    worse = _errors(green, blue, limits) or _latency(green, blue, limits)
    if worse:
        return Decision(Word.FAIL, worse)
    lacking = _silent(alarms, ignored) or _lacking(green, blue, limits)
    if lacking:
        return Decision(Word.HOLD, lacking)
    compared = f"; compared with {told(blue)}" if blue else "; nothing to compare with"
    return Decision(Word.PASS, f"{told(green)}{compared}")


def sound(figures: Figures, limits: Limits) -> bool:
    """Whether a color does well by itself, so that it can be the measure for another one."""
    return not (_errors(figures, None, limits) or _latency(figures, None, limits) or _lacking(figures, None, limits))


def told(figures: Figures) -> str:
    """The figures in words."""
    p95 = "no p95" if figures.p95_ms is None else f"p95 {figures.p95_ms:.0f} ms"
    own = f", {figures.own} more 5xx of the load balancer itself" if figures.own else ""
    return f"{figures.errors} errors in {figures.requests} requests, {p95}{own}"


def _errors(green: Figures, blue: Figures | None, limits: Limits) -> str:
    """Why the error rate cannot be borne; "" when it can, as far as is known."""
    rate = limits.error_rate_percent / 100
    if green.failed > rate * max(green.requests, needed(rate)):
        share = 100 * green.failed / max(1, green.requests)
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


def _silent(alarms: Mapping[str, str], ignored: Collection[str]) -> str:
    """Which alarm could not have spoken; "" when all could."""
    absent = sorted(name for name, state in alarms.items() if state == "missing")
    if absent:
        return f"alarm {', '.join(absent)} does not exist"
    blind = sorted(name for name, state in alarms.items() if state == "INSUFFICIENT_DATA" and name not in ignored)
    return f"alarm {', '.join(blind)} has no state yet: INSUFFICIENT_DATA" if blind else ""


def _lacking(green: Figures, blue: Figures | None, limits: Limits) -> str:
    """What is still missing before anything can be said; "" when nothing is."""
    stale_s = max(FRESH_S, FRESH_PERIODS * limits.period_s)
    for name, figures in (("the new color", green), ("the other color", blue)):
        if figures is not None and (figures.age_s is None or figures.age_s > stale_s):
            age = "there are none" if figures.age_s is None else f"the newest is {figures.age_s:.0f} s old"
            return f"no fresh metrics of {name}: {age}"
    rate = limits.error_rate_percent / 100
    if at_most(green.failed, green.requests, rate) > DOUBT:
        return f"{told(green)}: {needed(rate, green.failed)} requests are needed to exclude {100 * rate:g}% of errors"
    if green.requests < LATENCY_SAMPLES or green.p95_ms is None:
        return f"{told(green)}: {LATENCY_SAMPLES} are needed for a 95th percentile"
    if blue is not None and (blue.requests < LATENCY_SAMPLES or blue.p95_ms is None):
        return f"the other color has {told(blue)}: {LATENCY_SAMPLES} are needed to compare with"
    return ""
