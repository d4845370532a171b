"""rollback: choose the release to go back to, and make sure that it can still run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from deployer.errors import GateFailed, InputError
from deployer.journal_page import Page
from deployer.model import Outcome, Record, Release, Verdict
from deployer.pipeline import Stage
from deployer.ports import World
from deployer.verdict import revisions


def choose(history: Sequence[Record], live: str, to: str = "") -> Record:
    """The record to restore: `to`, or the last known good deployment that served before the `live` release.

    `history` is newest first. Never "revision minus one": a release that failed is not gone back to, nor one that was
    itself rolled back from; a rollback stands for the release it restored. Raises InputError.
    """
    records = {record.release: record for record in history}
    if to:
        return _named(records, to)
    current = records.get(live)
    for record in history:
        served = records.get(record.restores or record.release)
        earlier = current is None or record.started_at < current.started_at
        if record.outcome is Verdict.GOOD and earlier and served is not None:
            return served
    raise InputError(
        "roll back",
        f"no good release stands before {live or 'the first one'}",
        "deploy a commit that is known good",
    )


def wanted(history: Sequence[Record], live: str, left: Page | None, to: str = "") -> Record:
    """The record to restore, when the last run may have been cut off and will be put right first (`left` is its page).

    Then what has the traffic at this moment says nothing: one goes back from the release whose run is dead, or on with
    the rollback that was. Raises InputError.
    """
    dead = left is not None and left.unsettled and not left.damage and not left.proven
    if left is None or not dead or to:
        return choose(history, live, to)
    return choose(history, left.dead, left.restores)


def _named(records: Mapping[str, Record], to: str) -> Record:
    found = records.get(to)
    if found is None:
        raise InputError("roll back", f"the ledger has no release {to}", "`inv history --env=…` lists them")
    if found.outcome is not Verdict.GOOD:
        raise InputError("roll back", f"{to} never was good ({found.outcome or 'unfinished'})", "choose a good one")
    return _named(records, found.restores) if found.restores else found


def run(release: Release, world: World) -> Outcome:
    """Check that every image of the restored release is still in the registry, by digest. Raises GateFailed."""
    gone = [image for image in release.images.values() if not world.registry.has(image)]
    if gone:
        raise GateFailed(
            f"roll back to {release.restores}",
            f"{gone[0].repository}@{gone[0].digest} is not in the registry any more",
            "choose a newer release with --to=…, or deploy its commit with --ref=…",
        )
    if not release.restores:
        return Outcome("its images are in the registry")
    return _serving_already(release, world) or Outcome(f"back to {release.restores}")


def _serving_already(release: Release, world: World) -> Outcome | None:
    """What is asked for may serve by now: a dead run was put right with the lease. Then it is only proven again."""
    color, weight = max(world.traffic.weights().items(), key=lambda item: item[1])
    live = revisions(color, world)
    wanted = {name: (release.restores, image.digest) for name, image in release.images.items()}
    whole = all(revision.desired and revision.running == revision.desired for revision in live.values())
    if weight != 100 or not whole or wanted != {name: (seen.release, seen.digest) for name, seen in live.items()}:
        return None
    arns = {name: revision.task_definition for name, revision in live.items()}
    learned = {"color": color, "already": release.restores, "task_definitions": arns}
    return Outcome(f"{release.restores} serves", learned, settled=("place", "deploy"))


STAGE = Stage("rollback", ("record",), run)
