"""verify: before tasks or schema are touched, everything the release leans on exists and agrees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from deployer.errors import GateFailed
from deployer.model import Color, Harm, Outcome, Release
from deployer.pipeline import Stage
from deployer.ports import World
from deployer.stages import settings

EXPAND = (
    "first release code that does without it, then the migration; when no live code uses it any more, "
    'say so at the top of that file: contract = "why"'
)


def run(release: Release, world: World) -> Outcome:
    """Read configuration, cloud and migrations, and compare. Raises GateFailed with a line for each problem."""
    settings.run(release, world)
    outcome = read_cloud(release, world)
    contracts = _contracts(world)
    for harm in contracts:
        world.say(f"{_told(harm)}, by its contract: {harm.contract}")
    return replace(outcome, note=f"{outcome.note}, {len(contracts)} by contract") if contracts else outcome


def go_back(release: Release, world: World) -> Outcome:
    """For a rollback, which a closed test listener does not stop: a color that still runs needs no proof.

    Raises GateFailed as `read_cloud` does.
    """
    closed = settings.closed(world)
    if closed:
        world.say(f"{closed}, unless its color still runs")
    return read_cloud(release, world)


def read_cloud(release: Release, world: World) -> Outcome:
    """The part for a release that migrates nothing. Raises GateFailed with a line for each problem."""
    problems = world.preflight.problems(release)
    if problems:
        raise GateFailed(
            f"verify {world.environment.name}",
            f"{len(problems)} problem{'s' if len(problems) > 1 else ''}: {problems[0]}",
            "mend these, then deploy again; no task and no schema was touched",
            details=problems,
        )
    return Outcome(f"roles, {len(release.images)} images, secrets, logs, targets and ports agree")


def _contracts(world: World) -> Sequence[Harm]:
    """What migrations take from the live release with a contract. Raises GateFailed when one does without."""
    live = _live(world)
    if live is None:
        return ()
    record = world.ledger.find(live) if live else None
    found = world.migrations.harm(record.migration_head if record else "")
    refused = [harm for harm in found if not harm.contract]
    if refused:
        raise GateFailed(
            f"verify the migrations of {world.environment.name}",
            f"{len(refused)} would break release {live}, which is live: {_told(refused[0])}",
            EXPAND,
            details=tuple(map(_told, refused)),
        )
    return found


def _live(world: World) -> str | None:
    """The release whose backend visitors reach; None when none runs, "" when it does not say."""
    weights = world.traffic.weights()
    color = max(weights, key=lambda each: weights[each], default=Color.BLUE)
    backend = world.compute.live("backend", color)
    return backend.release if backend.desired else None


def _told(harm: Harm) -> str:
    return f"{harm.file}:{harm.line} {harm.what}"


NEEDS = ("push", "apply", "rollback", "lock")
STAGE = Stage("verify", NEEDS, run)
SCHEMA_STAYS = Stage("verify", NEEDS, go_back)
