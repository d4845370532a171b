"""rollback: choose the release to go back to, and make sure that it can still run."""

from __future__ import annotations

from collections.abc import Sequence

from deployer.errors import GateFailed, InputError
from deployer.model import SERVICES, Image, Outcome, Record, Release, Verdict
from deployer.pipeline import Stage
from deployer.ports import World


def choose(history: Sequence[Record], live: str, to: str = "") -> Record:
    """The record to restore: `to`, or the last known good deployment before the `live` release.

    `history` is newest first. Never "revision minus one": a release that failed is not gone back to. Raises InputError.
    """
    good = [record for record in history if record.outcome is Verdict.GOOD and record.kind == "deploy"]
    if to:
        found = next((record for record in history if record.release == to), None)
        if found is None:
            raise InputError("roll back", f"the ledger has no release {to}", "`inv history --env=…` lists them")
        if found.outcome is not Verdict.GOOD:
            raise InputError("roll back", f"{to} never was good ({found.outcome or 'unfinished'})", "choose a good one")
        if found.restores:
            return choose(history, live, found.restores)
        return found
    current = next((record for record in history if record.release == live), None)
    before = [r for r in good if r.release != live and (current is None or r.started_at < current.started_at)]
    if not before:
        raise InputError(
            "roll back", f"no good release stands before {live or 'the first one'}", "deploy a commit that is known good"
        )
    return before[0]


def run(release: Release, world: World) -> Outcome:
    """Check that every image of the restored release is still in the registry, by digest. Raises GateFailed."""
    gone = [image for image in release.images.values() if not world.registry.has(image)]
    if gone:
        raise GateFailed(
            f"roll back to {release.restores}",
            f"{gone[0].repository}@{gone[0].digest} is not in the registry any more",
            "choose a newer release with --to=…, or deploy its commit with --ref=…",
        )
    return Outcome(f"back to {release.restores}")


def images(record: Record, repositories: dict[str, str]) -> dict[str, Image]:
    """The record's images by digest."""
    return {name: Image(name, repositories[name], record.digests[name]) for name in SERVICES}


STAGE = Stage("rollback", ("record",), run)
