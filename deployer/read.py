"""The commands that only read: what runs in an environment, and what was released there."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from deployer import config, console, reports, screen
from deployer.composition import Site, compose, stop_for_run
from deployer.model import Environment, Release, Revision
from deployer.source import log_folder
from deployer.stages.compare import serving
from deployer.verdict import doubts

ROOT = Path(__file__).resolve().parent.parent


def site(env: str, cloud: str | None) -> Site:
    """The environment, to be looked at."""
    environment = config.load(ROOT, env, cloud)
    return compose(ROOT, ROOT, environment, log_folder(ROOT, "reading"), stop_for_run())


def release_of(live: Revision, environment: Environment) -> Release:
    """What a running revision says it is, as the release that checks compare with."""
    return Release(live.release, environment.name, live.commit, "", datetime.now(UTC), color=live.color)


def status(env: str, *, cloud: str | None, watch: bool, as_json: bool) -> int:
    """What runs, asked of ECS and the load balancer."""
    found = site(env, cloud)
    while True:
        answer = _status(found)
        if as_json:
            console.data(answer)
        else:
            console.mapping(reports.status_lines(answer))
        if not watch:
            return 0
        console.answer("")
        found.world.clock.wait(2.0)


def _status(found: Site) -> dict[str, object]:
    world = found.world
    holder = world.lease.holder()
    in_progress = (holder.release or None) if holder else None
    live = serving(world)
    frontend = live["frontend"]
    as_release = release_of(frontend, world.environment)
    why = doubts(as_release, world) if frontend.desired else ("nothing is deployed",)
    scales, between = world.infrastructure.topology().scales, world.environment.between
    scaling = {name: between(name) for name, revision in live.items() if scales(name, revision.color)}
    weights = world.traffic.weights()
    return reports.status(world.environment.name, found.url(), weights, live, scaling, why, holder, in_progress)


def history(env: str, *, cloud: str | None, as_json: bool) -> int:
    """Every release of the environment, newest first."""
    found = site(env, cloud)
    holder = found.world.lease.holder()
    answer = reports.history(found.world.ledger.history(), holder.release if holder else None)
    if as_json:
        console.data(answer)
    else:
        head, *rows = screen.table(reports.history_rows(answer))
        console.answer(head)
        for row, release in zip(rows, answer, strict=True):
            console.answer(row)
            if reason := reports.history_reason(release):
                console.paragraph(reason)
    return 0
