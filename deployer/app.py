"""What each command that changes or checks does: choose the pipeline, compose its world, run it, answer.

The only place that knows both sides; `read` holds the commands that only look.

Every function returns the exit code. Errors a user can mend are raised as DeployError and printed by `tasks.run`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from deployer import aftermath, changes, config, console, pipelines, read, reports, screen
from deployer.composition import Site, compose, stop_for_run
from deployer.errors import GateFailed, InputError
from deployer.held import listening
from deployer.model import Image, Plan, Record, Release, Status, Verdict, release_id
from deployer.pipeline import Report, Stage, Stop, critical_path, execute
from deployer.source import draft_release, from_commit, log_folder, permit
from deployer.stages import apply as apply_stage
from deployer.stages import deploy as deploy_stage
from deployer.stages import rollback as rollback_stage
from deployer.stages.compare import serving

ROOT = Path(__file__).resolve().parent.parent


def _run(stages: Sequence[Stage], release: Release, site: Site, stop: Stop, *, as_json: bool) -> Report:
    """Take the release through the stages, write the ledger, tell people. The report still has to be judged."""
    events = console.events([stage.name for stage in stages])

    last: list[Report] = []

    def finish(report: Report) -> Report:
        ran = {result.name for result in report.results if result.status is not Status.SKIPPED}
        last.append(aftermath.write_down(report, site.world) if "record" in ran else report)
        if ran & {"migrate", "deploy"} and report.verdict in (Verdict.FAILED, Verdict.ROLLED_BACK, Verdict.INTERRUPTED):
            aftermath.leave_nothing(report, site.world)
        return last[-1]

    try:
        with events.showing(), listening(site.world, stop):
            return execute(stages, release, site.world, events, stop, finish)
    finally:
        # After a bug, too: what was done and undone is told before the traceback.
        for report in last:
            path, path_s = critical_path(stages, report.results)
            console.results(report.results, path, report.duration_s)
            if as_json:
                console.data(reports.release(report, path, path_s, site.calls()))


def _judge(report: Report, logs: Path) -> int:
    if report.error is None:
        return 0
    if report.error.log is None:
        report.error.log = logs
    raise report.error


def deploy(
    env: str,
    *,
    ref: str,
    release: str,
    cloud: str | None,
    dry_run: bool,
    as_json: bool,
    yes: bool,
    no_cache: bool,
    fix_forward: str = "",
    allow_destroy: Sequence[str] = (),
) -> int:
    """Take a commit, or a release of the ledger, to an environment; prove it; put it back if it fails.

    `fix_forward` says why it is released although an alarm fires, `allow_destroy` names what may end with its data.
    CI runs everything, as `no_cache` does: there nothing of an earlier run is believed.
    """
    if ref and release:
        raise InputError("deploy", "--ref and --release are both given", "a commit, or a release of the ledger: choose")
    if dry_run and release:
        seen = "--dry-run and --release are both given: a release of the ledger is built and planned already"
        raise InputError("rehearse a deploy", seen, f"inv history --env={env} says what {release} is")
    if release and allow_destroy:
        seen = "--release and --allow-destroy are both given: a release of the ledger changes no infrastructure"
        raise InputError("deploy a release", seen, "leave --allow-destroy out")
    stop = stop_for_run()
    with from_commit(ROOT, ref) as given:
        environment = config.load(given.tree, env, cloud)
        deploy_stage.strategy(environment)
        if not dry_run:
            permit(environment, given, yes=yes)
        draft = replace(draft_release(environment, given), fix_forward=fix_forward, allow_destroy=tuple(allow_destroy))
        logs = log_folder(ROOT, draft.id)
        fresh = no_cache or bool(os.environ.get("CI"))
        site = compose(ROOT, given.tree, environment, logs, stop, rehearsal=dry_run, fresh=fresh)
        stages: tuple[Stage, ...] = pipelines.DRY_RUN if dry_run else pipelines.DEPLOY
        stages = pipelines.DEPLOY_ANEW if fresh and not dry_run else stages
        if release:
            record = site.world.ledger.find(release)
            if record is None:
                raise InputError(
                    "deploy a release", f"the ledger has no {release}", f"inv history --env={env} lists them"
                )
            draft, stages = _again(draft, record, site), pipelines.REDEPLOY
        console.line(f"{draft.id}: {draft.commit[:12]} to {environment.name} ({environment.cloud}) by {draft.actor}")
        if given.dirty:
            console.line(f"dirty: {', '.join(given.dirty[:5])}{' …' if len(given.dirty) > 5 else ''}")
        report = _run(stages, draft, site, stop, as_json=as_json)
        if report.error is None and not dry_run:
            _tell_success(report, site, as_json=as_json)
        if dry_run and report.release.plan and not as_json:
            _tell_plan(report.release.plan)
        return _judge(report, logs)


def reason_of(fix_forward: bool, reason: str) -> str:
    """Why a release may begin although an alarm fires, "" when it may not. Raises InputError for half of an answer."""
    if fix_forward != bool(reason.strip()):
        seen = "--fix-forward is given without a reason" if fix_forward else "--reason is given without --fix-forward"
        raise InputError("deploy", seen, "--fix-forward --reason='what it mends'")
    return reason.strip()


def _tell_success(report: Report, site: Site, *, as_json: bool) -> None:
    what = "serves all of this already" if report.release.already else "is live"
    console.line(f"{reports.live(report)} {what}; {sum(site.calls().values())} AWS calls")
    if not as_json:
        console.answer(site.url())


def _tell_plan(plan: Plan) -> None:
    for line, loss in changes.grouped(plan):
        for part in screen.fitted(line, screen.columns(sys.stdout), 6):
            console.answer(part, alarm=loss)


def _again(draft: Release, record: Record, site: Site) -> Release:
    """The record's images by digest, to be deployed with today's configuration."""
    topology = site.topology()
    return replace(
        draft,
        id=release_id(site.world.environment.short_name, draft.started_at, record.commit),
        commit=record.commit,
        dirty=record.dirty,
        images={
            name: Image(name, topology.services[name].repository, digest) for name, digest in record.digests.items()
        },
    )


def rollback(env: str, *, to: str, cloud: str | None, as_json: bool, yes: bool, fast: bool = False) -> int:
    """Back to the last known good release before the live one, or to the one that is named, as one unit.

    `fast` leaves out the steps between no traffic and all of it.
    """
    stop = stop_for_run()
    with from_commit(ROOT, "") as given:
        environment = config.load(ROOT, env, cloud)
        deploy_stage.strategy(environment)
        permit(environment, replace(given, dirty=()), yes=yes)
        now = datetime.now(UTC)
        logs = log_folder(ROOT, f"rollback-{now:%Y%m%dT%H%M%SZ}")
        site = compose(ROOT, ROOT, environment, logs, stop)
        live = serving(site.world)["frontend"]
        try:
            left = site.world.journal.read()
            record = rollback_stage.wanted(site.world.ledger.history(), live.release, left, to)
        except InputError:
            site.world.lease.require_free()  # what runs during a deploy is no ground to say that from
            raise
        draft = replace(
            _again(draft_release(environment, given), record, site),
            kind="rollback",
            restores=record.release,
            fast=fast,
            task_definitions=dict(deploy_stage.strategy(environment).restored(record)),
        )
        console.line(f"{draft.id}: {environment.name} back from {live.release or 'nothing'} to {record.release}")
        report = _run(pipelines.ROLLBACK, draft, site, stop, as_json=as_json)
        if report.error is None:
            _tell_success(report, site, as_json=as_json)
        return _judge(report, logs)


def stage(
    name: str, env: str, *, cloud: str | None, as_json: bool, yes: bool, allow_destroy: Sequence[str] = ()
) -> int:
    """One stage alone, with what it needs. `allow_destroy` names what a plan may end although it holds data."""
    stages: tuple[Stage, ...] = getattr(pipelines, name.upper().replace("-", "_"))
    stop = stop_for_run()
    with from_commit(ROOT, "") as given:
        environment = config.load(ROOT, env, cloud)
        if any(step.name == "lock" for step in stages):
            # What is put right is what was released: it takes nothing from this tree.
            permit(environment, replace(given, dirty=()) if name == "reconcile" else given, yes=yes)
        draft = replace(draft_release(environment, given), allow_destroy=tuple(allow_destroy))
        logs = log_folder(ROOT, f"{name}-{draft.id}")
        # Who asks for one stage wants it run, whatever is remembered.
        site = compose(ROOT, ROOT, environment, logs, stop, fresh=True)
        if name == "smoke-test":
            now = serving(site.world)["frontend"]
            if not now.desired:
                raise GateFailed(f"smoke-test {environment.name}", "nothing is deployed", f"inv deploy --env={env}")
            draft = read.release_of(now, environment)
        if name == "verify":
            draft = _as_live(draft, site)
        if name == "apply":
            saved = site.saved_plan()
            draft = replace(draft, plan=saved, plan_sha256=saved.sha256 if saved else "")
        report = _run(stages, draft, site, stop, as_json=as_json)
        if name == "plan" and report.release.plan and not as_json:
            _tell_plan(report.release.plan)
            if report.error is None and not report.release.plan.empty:
                minutes = f"{apply_stage.FRESH.total_seconds() / 60:.0f} minutes"
                kept = f"{report.release.plan.sha256[:12]}, of commit {draft.commit[:12]}, for {minutes}"
                console.line(f"saved as {kept}: inv apply --env={env}{f' --cloud={cloud}' if cloud else ''}")
        return _judge(report, logs)


def _as_live(draft: Release, site: Site) -> Release:
    """The images that serve now, so that they are looked for as well."""
    services = site.topology().services
    digests = {name: live.digest for name, live in serving(site.world).items() if live.digest}
    return replace(draft, images={name: Image(name, services[name].repository, d) for name, d in digests.items()})
