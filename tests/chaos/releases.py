"""The second scenario: ten releases, one right after the other, three of them broken, under constant load.

Broken ones are rolled back by themselves. A visitor may meet an error only while the weights sent a share of the
traffic to the release that is known to answer with errors.
"""

from __future__ import annotations

import random
import time
from pathlib import Path

from tests.chaos.broken import ALL, CRASH, Broken
from tests.chaos.share import Attempt, allowed
from tests.chaos.shift import FEW, Findings, loaded
from tests.chaos.site import Site
from tests.e2e import faults

RELEASES = 10
OUTCOMES = {True: 20, False: 0}
"""Exit codes of broken releases and of good ones."""


def row(seed: int, count: int = RELEASES) -> list[Broken | None]:
    """What is released one after the other: the same for the same seed, each broken kind once, a good one first."""
    plan: list[Broken | None] = [*ALL, *[None] * (count - 1 - len(ALL))]
    random.Random(seed).shuffle(plan)  # noqa: S311 - it has to come again, not to be secret
    return [None, *plan]


def ten_releases(site: Site, seed: int, folder: Path, rate: float, count: int = RELEASES) -> Findings:
    """Release all of the row; return what was found."""
    run, attempts, wrong = f"{seed}-{int(time.time()):x}", list[Attempt](), list[str]()
    with loaded(site, run, folder, rate) as findings:
        for number, broken in enumerate(row(seed, count), 1):
            name = f"{number}. {broken.name if broken else 'good'}"
            with findings.timed(name):
                attempt, told = _release(site, broken)
            attempts.append(attempt)
            wrong += [f"{name}: {told}"] if told else []
    failed = findings.seen.failures()
    outside = [answer for answer in failed if not allowed(answer, findings.looks, attempts)]
    findings.mistakes = [line for line in findings.mistakes if line not in findings.dropped]
    findings.mistakes += wrong
    findings.mistakes += [f"outside green's share: {line}" for line in map(findings.line, outside[:FEW])]
    findings.write(folder)
    return findings


def _release(site: Site, broken: Broken | None) -> tuple[Attempt, str]:
    """Deploy one; return it, and what went otherwise than it should, "" when nothing did."""
    live = site.status()
    color = "green" if live["traffic"]["blue"] == 100 else "blue"
    begin = time.time()
    if broken:
        broken.commit(site.checkout)
    else:
        faults.change_backend(site.checkout)
    ran = site.begin("deploy").end()
    if broken:
        site.checkout.git("reset", "-q", "--hard", "HEAD~1")
    now = site.status()
    attempt = Attempt(broken is not None and broken.harms, begin, time.time(), color)
    if ran.code != OUTCOMES[broken is not None]:
        return attempt, f"ended with {ran.code}: {ran.stderr[-600:]}"
    if broken and (now["release"], now["traffic"]) != (live["release"], live["traffic"]):
        return attempt, f"{now['release']} serves, not {live['release']}: {now['traffic']}"
    if broken is CRASH and "broken on purpose" not in ran.stderr:
        return attempt, f"its last log lines are not told: {ran.stderr[-600:]}"
    return attempt, "" if now["healthy"] else f"is not healthy: {now['doubts']}"
