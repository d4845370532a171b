"""`inv drift`: what somebody changed around Terraform. It only looks: no lease, no lock, no state is written."""

from __future__ import annotations

import sys
from pathlib import Path

from deployer import config, console, reports, screen
from deployer.composition import compose, stop_for_run
from deployer.errors import GateFailed
from deployer.source import log_folder

ROOT = Path(__file__).resolve().parent.parent


def drift(env: str, *, cloud: str | None, as_json: bool) -> int:
    """Name each attribute that differs. Raises GateFailed when there is one, InputError before the first deploy."""
    environment = config.load(ROOT, env, cloud)
    logs = log_folder(ROOT, "drift")
    log = logs / f"{environment.short_name}.log"
    log.unlink(missing_ok=True)
    # A rehearsal makes nothing that is not there: not even the state's bucket.
    world = compose(ROOT, ROOT, environment, logs, stop_for_run(), rehearsal=True).world
    named = f"--env={env}{f' --cloud={cloud}' if cloud else ''}"
    world.infrastructure.prepare(console.line)
    found = world.infrastructure.drift(log, console.line)
    if holder := world.lease.holder():
        console.line(f"{holder.owner} holds {env}: what is being changed there may be among this")
    if as_json:
        console.data(reports.drift(environment.name, found))
    else:
        for line in reports.drift_lines(found):
            for part in screen.fitted(line, screen.columns(sys.stdout), 8):
                console.answer(part)
    if found.pending:
        console.line(f"{found.pending} changes of the configuration wait, which are no drift: inv plan {named}")
    if not found.differences:
        return 0
    resources = len({difference.address for difference in found.differences})
    raise GateFailed(
        f"look for drift in {environment.name}",
        f"{len(found.differences)} differences in {resources} resources: somebody changed them around Terraform",
        f"inv plan {named} and inv apply put them back; what is to stay belongs into infrastructure/terraform",
        log=log,
    )
