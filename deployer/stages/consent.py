"""consent: what holds data ends only where somebody has named it. The one place that decides so, for every command.

`--allow-destroy=ADDRESS`, once for each, as Terraform writes it: `module.storage.aws_s3_bucket.this["uploads"]`.
"""

from __future__ import annotations

import difflib
import shlex
from collections.abc import Sequence

from deployer.changes import LOSS
from deployer.errors import GateFailed, InputError
from deployer.model import Outcome, Plan, Release
from deployer.pipeline import Stage
from deployer.ports import World


def run(release: Release, world: World) -> Outcome:
    """Raise GateFailed for a loss that nobody named, InputError for a name that the plan does not end."""
    if release.plan is None:
        return Outcome("no plan")
    _require_known(release.plan, release.allow_destroy)
    unnamed = [address for address in release.plan.losses if address not in release.allow_destroy]
    if not unnamed:
        named = release.plan.losses
        return Outcome(f"{', '.join(named)} may go" if named else "no data would be lost")
    flags = " ".join(f"--allow-destroy={shlex.quote(address)}" for address in unnamed)
    count = f"{len(unnamed)} resources that hold data" if len(unnamed) > 1 else unnamed[0]
    ends = {change.ends for change in release.plan.changes if change.address in unnamed}
    would = " or ".join(verb for ended, verb in ((True, "destroy"), (False, "keep less in")) if ended in ends)
    raise GateFailed(
        f"change the infrastructure of {release.environment}",
        f"{LOSS}: the plan would {would} {count}",
        f"nothing was changed; where that is meant, name it: {flags}",
        details=tuple(f"{each.action} {each.address}" for each in release.plan.changes if each.address in unnamed),
    )


def _require_known(plan: Plan, allowed: Sequence[str]) -> None:
    """A mistyped address must not look like consent, nor stand in a script for what is long over."""
    ends = [change.address for change in plan.changes if change.ends or change.loses_data]
    changed = {change.address: change.action for change in plan.changes}
    for address in allowed:
        if address in ends:
            continue
        seen = f"the plan has to {changed[address]} it" if address in changed else "the plan does not touch it"
        near = difflib.get_close_matches(address, ends, n=1, cutoff=0.0)
        meant = f"did you mean --allow-destroy={shlex.quote(near[0])}?" if near else "the plan destroys nothing"
        raise InputError(f"allow {address} to be destroyed", seen, meant)


STAGE = Stage("consent", ("plan",), run)
