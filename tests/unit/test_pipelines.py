"""Every command's stages: checked, in the right order, and the whole deploy against a world of fakes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deployer import pipelines
from deployer.errors import GateFailed, Locked, ReleaseFailed
from deployer.model import SERVICES, Change, Color, Record, Release, Status, Verdict
from deployer.pipeline import Report, Stage, Stop, check, execute
from deployer.ports import World
from tests import examples
from tests.fakes import Fakes, Heard, digest

ALL = {name: value for name, value in vars(pipelines).items() if name.isupper()}
GATES = {"settings", "lint", "test", "scan", "build", "plan", "consent"}
CHANGES = ("apply", "push", "migrate", "deploy")
OLD = examples.release()
NEW = replace(OLD, id="dev-20260305T000000Z-0123456")


def before(stages: tuple[Stage, ...], name: str) -> set[str]:
    """All that must have ended when `name` starts."""
    by_name = {stage.name: stage for stage in stages}
    direct = {need for need in by_name[name].needs if need in by_name}
    return direct.union(*(before(stages, need) for need in direct))


@pytest.fixture
def changing(fakes: Fakes) -> Fakes:
    """An environment in which OLD serves and Terraform has something to change."""
    fakes.infrastructure.changes = (Change("create", "aws_sns_topic.alarms"),)
    fakes.compute.serve(OLD)
    return fakes


def deploy(world: World, stages: tuple[Stage, ...] = pipelines.DEPLOY, release: Release = NEW) -> Report:
    """Take `release` through `stages`; the ledger gets its last word, as from a command."""

    def write_down(report: Report) -> Report:
        if world.ledger.find(report.release.id):
            world.ledger.write(Record.of(report.release, report.verdict))
        return report

    return execute(stages, release, world, Heard(), Stop(), write_down)


def serving(fakes: Fakes) -> set[str]:
    """The releases that both services say they are."""
    live = [fakes.compute.live(service, Color.BLUE) for service in SERVICES]
    return {revision.release for revision in live if revision.running}


@pytest.mark.parametrize("name", ALL)
def test_every_pipeline_can_run(name: str) -> None:
    """No name twice, no circle."""
    stages = ALL[name]
    assert isinstance(stages, tuple)

    check(stages)

    assert stages


@pytest.mark.parametrize("change", CHANGES)
def test_nothing_is_changed_before_every_gate_said_yes(change: str) -> None:
    """And not before the lease is ours and the intent is written."""
    assert set() == (GATES | {"lock", "record"}) - before(pipelines.DEPLOY, change)


@pytest.mark.parametrize("name", [name for name, stages in ALL.items() if {s.name for s in stages} & set(CHANGES)])
def test_whatever_changes_an_environment_holds_its_lease(name: str) -> None:
    """In every command, not only in deploy."""
    stages = ALL[name]
    changing = {stage.name for stage in stages} & set(CHANGES)

    assert dict.fromkeys(changing, True) == {change: "lock" in before(stages, change) for change in changing}


@pytest.mark.parametrize("name", ["DEPLOY", "DEPLOY_ANEW", "APPLY"])
def test_nothing_is_applied_without_consent(name: str) -> None:
    """Nor written down as begun: whichever of two stages that could run at once is quicker."""
    stages = ALL[name]

    assert {"consent"} == {"consent"}.intersection(
        *(before(stages, stage.name) for stage in stages if stage.name in ("apply", "record"))
    )


@pytest.mark.parametrize("name", ["REDEPLOY", "ROLLBACK"])
def test_going_back_checks_the_images_first(name: str) -> None:
    """A release whose images are gone is found before a task is touched."""
    assert {"rollback", "record", "lock"} <= before(ALL[name], "deploy")


def test_schema_before_tasks_before_proof() -> None:
    """The order that the whole design leans on."""
    assert {"migrate", "verify", "push", "apply"} <= before(pipelines.DEPLOY, "deploy")
    assert {"push", "apply"} <= before(pipelines.DEPLOY, "verify")
    assert "deploy" in before(pipelines.DEPLOY, "smoke_test")


def test_a_deploy_anew_is_a_deploy_without_a_short_cut() -> None:
    """What CI and --no-cache run."""
    assert {"compare"} == {s.name for s in pipelines.DEPLOY} - {s.name for s in pipelines.DEPLOY_ANEW}


def test_what_needs_nothing_starts_at_once() -> None:
    """The critical path begins with all of these."""
    assert {"settings", "lint", "test", "scan", "build", "cloud"} == {s.name for s in pipelines.DEPLOY if not s.needs}


def test_a_rehearsal_changes_nothing() -> None:
    """No stage of a dry run moves anything, and none takes the lease from somebody who does."""
    assert set() == {stage.name for stage in pipelines.DRY_RUN} & {*CHANGES, "lock", "record"}


def test_a_good_release(changing: Fakes, world: World) -> None:
    """All stages end well, the new release serves, and nothing stays held."""
    report = deploy(world)

    assert (Verdict.GOOD, None) == (report.verdict, report.error)
    ended = {result.name: result.status for result in report.results}
    assert ended == dict.fromkeys([s.name for s in pipelines.DEPLOY], Status.OK) | dict.fromkeys(
        ["alarms", "schedule", "retire"], Status.SKIPPED
    )
    assert ({NEW.id}, None) == (serving(changing), changing.lease.holder())


def test_a_good_release_is_known_by_digest(changing: Fakes, world: World) -> None:
    """What was learned on the way is what the ledger will tell."""
    release = deploy(world).release

    pushed = {name: f"sha256:{digest('manifest', image.image_id)}" for name, image in release.built.items()}
    assert pushed == {name: image.digest for name, image in release.images.items()}
    running = {name: changing.compute.live(name, Color.BLUE).task_definition for name in SERVICES}
    assert running == release.task_definitions
    assert release.plan is not None
    assert release.plan.sha256 == release.plan_sha256


@pytest.mark.parametrize("gate", sorted(GATES - {"settings", "build", "plan", "consent"}))
def test_a_gate_that_says_no_leaves_everything_alone(changing: Fakes, world: World, gate: str) -> None:
    """Exit code 10: infrastructure, registry, schema and tasks are as they were."""
    sessions = {"lint": ("lint", "types"), "test": ("unit", "application"), "scan": ("scan",)}[gate]
    changing.gates.fail("run", GateFailed(gate, "no"), *sessions)

    report = deploy(world)

    assert (Verdict.FAILED, GateFailed) == (report.verdict, type(report.error))
    touched = (changing.infrastructure.called("apply"), changing.registry.calls, changing.compute.calls)
    assert ([], [], []) == touched
    assert changing.lease.holder() is None


def test_a_failed_smoke_test_brings_the_old_release_back(changing: Fakes, world: World) -> None:
    """Exit code 20, rolled back."""
    changing.probe.fail("smoke", GateFailed("smoke test", "GET / was 404"))

    report = deploy(world)

    assert (Verdict.ROLLED_BACK, 20) == (report.verdict, report.error.exit_code if report.error else 0)
    assert {OLD.id} == serving(changing)
    undone = [r.name for r in report.results if r.status is Status.UNDONE]
    assert ["deploy"] == undone


def test_a_release_that_crashes_at_start_brings_the_old_one_back(changing: Fakes, world: World) -> None:
    """Exit code 20, with the stopped task's own words, and no smoke test of something that is not there."""
    built = digest("backend", NEW.commit)
    changing.compute.crashing.add(f"sha256:{digest('manifest', f'sha256:{built}')}")

    report = deploy(world)

    assert (Verdict.ROLLED_BACK, 20) == (report.verdict, report.error.exit_code if report.error else 0)
    assert report.error is not None
    assert ("Essential container exited, exit code 1",) == report.error.details
    assert ({OLD.id}, []) == (serving(changing), changing.probe.calls)


def test_a_failed_migration_touches_no_task(changing: Fakes, world: World) -> None:
    """Exit code 20: the schema may have moved, the old release serves on."""
    changing.compute.fail("run_task", ReleaseFailed("migrate", "exit code 1"))

    report = deploy(world)

    assert (Verdict.FAILED, 20) == (report.verdict, report.error.exit_code if report.error else 0)
    assert ([], {OLD.id}) == (changing.compute.called("roll_out"), serving(changing))


def test_somebody_else_s_environment_is_left_alone(changing: Fakes, world: World) -> None:
    """Exit code 40, no record written, and their lease is still theirs afterwards."""
    changing.lease.lose("them")

    report = deploy(world)

    assert Locked is type(report.error)
    held = changing.lease.holder()
    assert held is not None
    assert ("them", {}) == (held.owner, changing.ledger.records)


def test_rollback_runs_the_old_task_definitions(changing: Fakes, world: World) -> None:
    """Back as one unit, proven, without building, planning or migrating anything."""
    old = deploy(world).release
    newer = replace(NEW, id="dev-20260306T000000Z-fffffff", commit="f" * 40)
    deploy(world, release=newer)
    changing.infrastructure.calls.clear()

    back = replace(
        newer, id="dev-20260307T000000Z-0123456", kind="rollback", restores=old.id,
        images=old.images, task_definitions=old.task_definitions,
    )  # fmt: skip
    report = deploy(world, pipelines.ROLLBACK, back)

    assert (Verdict.GOOD, {old.id}) == (report.verdict, serving(changing))
    assert {("topology",)} == set(changing.infrastructure.calls), "it is read, and left alone"
    assert 2 == len(changing.compute.called("run_task"))
