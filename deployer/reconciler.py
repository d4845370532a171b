"""python3 -m deployer.reconciler --env=E: what `inv reconcile` does, for the case that nobody comes back.

The environment's schedule runs it as an ECS task every minute. Almost always it reads lease and journal and ends: a run
that came to its end closed its page and gave the lease back, one that is at work renews it. Only a lease that was
neither given back nor renewed in time, or a page that is open or damaged, means that something was left behind; then it
takes the lease and settles that. It never takes the lease for less, so a deploy does not meet it. It waits for the end
of a lease that nobody renews: the next look would come up to a minute later, with visitors on what nobody looks after.

Beside `app` the only module that knows both stages and adapters. Prints one line of JSON on stdout; exit codes as
everywhere (`errors`).
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from deployer import config, console, disk, pipelines, unattended
from deployer.errors import DeployError, Locked, Unreachable
from deployer.model import Environment, Holder, Release, release_id
from deployer.pipeline import Stop, execute
from deployer.ports import World
from deployer.stop import as_interrupts

ROOT = Path(__file__).resolve().parent.parent
ACTOR = "the scheduled reconciler"
NEXT_LOOK = timedelta(minutes=1)
"""EventBridge's shortest period: the end of a lease that lasts longer is waited for by a later look."""
LOOK_EVERY_S = 5.0
"""Between two looks at a lease that is waited for. A run at work renews its own every twenty seconds."""


def main(arguments: Sequence[str]) -> int:
    """Reconcile one environment, say what became of it, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python3 -m deployer.reconciler")
    parser.add_argument("--env", required=True)
    parser.add_argument("--cloud", default=None)
    asked = parser.parse_args(arguments)
    begun = time.monotonic()
    calls: dict[str, int] = {}
    outcome, note, code = _answer(asked.env, asked.cloud, calls)
    took = round(time.monotonic() - begun, 2)
    answer = {"environment": asked.env, "outcome": outcome, "note": note, "exit_code": code}
    console.record({**answer, "duration_s": took, "aws_calls": calls})
    return code


def _answer(env: str, cloud: str | None, calls: dict[str, int]) -> tuple[str, str, int]:
    """The outcome, a note and the exit code; errors are printed for people besides. Fills in `calls`."""
    try:
        with as_interrupts():
            environment = config.load(ROOT, env, cloud)
            stop = Stop()
            endpoint = unattended.endpoint_url(environment, os.environ)
            composed = unattended.compose(environment, ROOT, endpoint, stop)
            try:
                outcome, note = reconcile(environment, composed.world, stop)
            finally:
                calls.update(composed.calls())
    except KeyboardInterrupt:
        return "interrupted", "nothing was being changed", 130
    except Exception as raised:  # noqa: BLE001 - the last place where it can be told
        error = disk.told(raised)
        if not isinstance(error, DeployError):
            console.bug()
            return "failed", repr(error), 1
        console.failure(error)
        return "failed", str(error), error.exit_code
    return outcome, note, 0


def reconcile(environment: Environment, world: World, stop: Stop) -> tuple[str, str]:
    """Settle what a run that was cut off left, if one was; return the outcome in a word and in a line.

    Raises what `inv reconcile` raises, but for Locked: whoever has the lease by now looks after the environment.
    """
    holder = _last_holder(world)
    if holder is not None and holder.expires_at > world.lease.now():
        return "held", f"held by {holder.owner}: nothing to do"
    page = world.journal.read()
    if holder is None and not (page and (page.open or page.damage)):
        return "nothing", "the last run came to its end: nothing to do"
    now = datetime.now(UTC)
    commit = os.environ.get("COMMIT", "unknown")
    release = Release(
        id=release_id(environment.short_name, now, commit),
        environment=environment.name,
        commit=commit,
        actor=ACTOR,
        started_at=now,
    )
    stages = pipelines.RECONCILE
    report = execute(stages, release, world, console.events([stage.name for stage in stages]), stop)
    if isinstance(report.error, Locked):
        return "held", f"{report.error.seen}: nothing to do"
    if report.error is not None:
        raise report.error
    return "settled", "; ".join(result.note for result in report.results)


def _last_holder(world: World) -> Holder | None:
    """Who has not given the lease back; it has expired unless he has shown a sign of life, or holds it for longer."""
    first = holder = world.lease.unfinished()
    while holder is not None and holder == first:
        left = holder.expires_at - world.lease.now()
        if not timedelta(0) < left <= NEXT_LOOK:
            break
        world.clock.wait(min(left.total_seconds(), LOOK_EVERY_S))
        with suppress(Unreachable):  # for a moment; the end of the lease is known, and whoever takes it asks again
            holder = world.lease.unfinished()
    return holder


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
