"""The commands against a world of fakes: which pipeline, which answer, which error."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from deployer import app, read, source
from deployer.composition import Site
from deployer.errors import (
    GateFailed,
    InputError,
    Locked,
    NotAllowed,
    ReleaseFailed,
    RolledBack,
    StateUncertain,
    Unreachable,
)
from deployer.journal_page import Entry, Page
from deployer.model import Change, Color, Environment, Image, Record, Release, Verdict
from deployer.pipeline import Stop
from tests.examples import COMMIT, ENVIRONMENT, NOW, SCALED, TOPOLOGY, release
from tests.fakes import Fakes

IMAGES = {name: Image(name, f"indivillage/{name}", f"sha256:{name}") for name in ("backend", "frontend")}


@pytest.fixture
def fakes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Fakes:
    """A world behind the commands: `compose`, the source and the configuration are stand-ins."""
    fakes = Fakes()

    def compose(*_: object, **__: object) -> Site:
        calls = {"ecs.DescribeServices": 7}
        return Site(fakes.world(tmp_path), lambda: TOPOLOGY, lambda: "http://dev", lambda: calls, lambda: None)

    @contextmanager
    def from_commit(_: Path, ref: str) -> Iterator[source.Source]:
        yield source.Source(tmp_path, ref or COMMIT, NOW, "somebody", ())

    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setattr(app, "from_commit", from_commit)
    for module in (app, read):
        monkeypatch.setattr(module, "compose", compose)
        monkeypatch.setattr(module, "log_folder", lambda *_: tmp_path)
        monkeypatch.setattr(module, "stop_for_run", Stop)
    use(monkeypatch, ENVIRONMENT)
    return fakes


def use(monkeypatch: pytest.MonkeyPatch, environment: Environment) -> None:
    """Make `environment` what every name on the command line means."""
    monkeypatch.setattr(app.config, "load", lambda *_: environment)


def shifting(fakes: Fakes, monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment that shifts traffic by steps."""
    fakes.environment = replace(ENVIRONMENT, strategy="blue_green")
    use(monkeypatch, fakes.environment)


def deploy(**options: object) -> int:
    """`inv deploy --json` with everything else left alone."""
    given: dict[str, object] = {
        "ref": "",
        "release": "",
        "cloud": None,
        "dry_run": False,
        "as_json": True,
        "yes": False,
        "no_cache": False,
    }
    return app.deploy("dev", **(given | options))  # type: ignore[arg-type]


def test_a_deploy_ends_with_one_object_and_a_good_record(fakes: Fakes, capsys: pytest.CaptureFixture[str]) -> None:
    """Stdout is one JSON object; the ledger has the verdict; the lease is free again."""
    assert 0 == deploy()
    answer = json.loads(capsys.readouterr().out)
    record = fakes.ledger.history()[0]

    assert "good" == answer["outcome"]
    assert set(answer["critical_path"]) < {stage["name"] for stage in answer["stages"]}
    assert {"ecs.DescribeServices": 7} == answer["aws_calls"]
    assert (answer["release"], Verdict.GOOD, COMMIT) == (record.release, record.outcome, record.commit)
    assert set(IMAGES) == set(record.digests) == set(record.task_definitions)
    assert fakes.lease.holder() is None


def test_a_failed_deploy_still_answers_and_is_written_down(fakes: Fakes, capsys: pytest.CaptureFixture[str]) -> None:
    """The object comes out before the error goes up; the ledger says rolled-back, and why."""
    fakes.compute.fail("roll_out", ReleaseFailed("roll out", "tasks crashed"))
    with pytest.raises(RolledBack, match="tasks crashed"):
        deploy()
    answer = json.loads(capsys.readouterr().out)

    assert ("rolled-back", "roll out: tasks crashed") == (answer["outcome"], answer["reason"])
    assert Verdict.ROLLED_BACK is fakes.ledger.history()[0].outcome
    failed = fakes.ledger.history()[0].release
    assert ((), ()) == tuple(fakes.compute.registered(name, {failed}) for name in IMAGES)
    assert fakes.compute.called("deregister")


def test_a_release_that_cannot_be_written_down_is_not_done(fakes: Fakes) -> None:
    """The intent was written; when the verdict cannot be, a person has to look."""
    fakes.ledger.fail("write", Unreachable("write the ledger", "S3 does not answer"))
    with pytest.raises(Unreachable):
        deploy()
    written = len(fakes.ledger.called("write"))
    assert written == 2, "the intent failed, the verdict was still written"


def test_a_held_environment_is_exit_40_and_its_ledger_is_left_alone(fakes: Fakes) -> None:
    """Who lost the race writes nothing."""
    fakes.lease.lose("ann")
    with pytest.raises(Locked) as failed:
        deploy()

    assert 40 == failed.value.exit_code
    assert () == fakes.ledger.history()


def test_a_dry_run_changes_nothing(fakes: Fakes) -> None:
    """It checks, builds and plans; no lease, no ledger, no push, no apply."""
    assert 0 == deploy(dry_run=True, as_json=False)

    assert ([], [], [], []) == (
        fakes.lease.called("acquire"),
        fakes.ledger.called("write"),
        fakes.registry.called("push"),
        fakes.infrastructure.called("apply"),
    )
    assert 1 == len(fakes.infrastructure.called("plan"))


def test_a_gate_that_fails_after_an_apply_is_no_mere_gate(fakes: Fakes) -> None:
    """Infrastructure was changed: exit 20, and the hint says what stays."""
    fakes.infrastructure.changes = (Change("create", "aws_vpc.this"),)
    fakes.preflight.found = ("the role is missing",)
    with pytest.raises(ReleaseFailed, match="role is missing") as failed:
        deploy()

    assert (20, True) == (failed.value.exit_code, "what apply changed stays" in failed.value.hint)


def test_nothing_is_released_into_trouble(fakes: Fakes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not after infrastructure and schema were changed: before the release is even written down."""
    shifting(fakes, monkeypatch)
    fakes.metrics.states["indivillage-dev-blue-errors"] = "ALARM"
    with pytest.raises(GateFailed, match="indivillage-dev-blue-errors fires already"):
        deploy()

    assert ([], []) == (fakes.ledger.called("write"), fakes.infrastructure.called("apply"))


def test_what_mends_the_trouble_is_released_and_says_why(fakes: Fakes, monkeypatch: pytest.MonkeyPatch) -> None:
    """The ledger keeps the reason, and what each step was decided by."""
    shifting(fakes, monkeypatch)
    fakes.metrics.states["indivillage-dev-blue-errors"] = "ALARM"

    assert 0 == deploy(fix_forward="blue cannot reach its database")
    record = fakes.ledger.history()[0]
    assert ("blue cannot reach its database", ["pass"]) == (
        record.fix_forward,
        [gate["verdict"] for gate in record.gates],
    )


@pytest.mark.parametrize(("fix_forward", "reason"), [(True, ""), (True, "  "), (False, "why not")])
def test_half_an_answer_is_bad_input(fix_forward: bool, reason: str) -> None:
    """An alarm is not passed over without a reason, and a reason alone passes over nothing."""
    with pytest.raises(InputError, match="--fix-forward"):
        app.reason_of(fix_forward, reason)


def test_a_proven_release_is_not_taken_back_for_a_tag(fakes: Fakes) -> None:
    """`stable` is for people to read."""
    fakes.registry.fail("tag", Unreachable("tag", "ECR does not answer"), "backend", ("stable",))

    assert 0 == deploy()
    assert [] == fakes.compute.called("scale")


def test_a_dry_run_of_a_release_is_refused(fakes: Fakes) -> None:
    """It must never turn into the real thing."""
    serve(fakes, "dev-1", 1)
    with pytest.raises(InputError, match="--dry-run and --release"):
        deploy(dry_run=True, release="dev-1")

    assert [] == fakes.compute.called("roll_out")


def test_a_release_of_the_ledger_is_deployed_again_without_migrating(fakes: Fakes) -> None:
    """Its image does not know a schema that is newer than it."""
    serve(fakes, "dev-1", 1)

    assert 0 == deploy(release="dev-1", as_json=False)
    assert [] == fakes.compute.called("run_task")
    assert {"backend", "frontend"} == {str(call[0]) for call in fakes.compute.called("roll_out")}


def test_a_bug_is_told_as_json_before_its_traceback(
    fakes: Fakes, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Scripts get their object, people the traceback."""
    fakes.preflight.fail("problems", ZeroDivisionError("a bug"))
    with pytest.raises(ZeroDivisionError):
        deploy()

    assert "failed" == json.loads(capsys.readouterr().out)["outcome"]


def test_verify_alone_looks_for_the_images_that_serve(fakes: Fakes, capsys: pytest.CaptureFixture[str]) -> None:
    """Not for none, saying that all agree."""
    serve(fakes, "dev-1", 1)

    assert 0 == app.stage("verify", "dev", cloud=None, as_json=False, yes=False)
    assert "2 images" in capsys.readouterr().err


def test_ref_and_release_exclude_each_other(fakes: Fakes) -> None:
    """A commit, or a release of the ledger."""
    with pytest.raises(InputError, match="both"):
        deploy(ref="main", release="dev-1")
    assert [] == fakes.lease.called("acquire")


def test_uncommitted_files_are_for_dev_only(fakes: Fakes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What nobody else can build again goes no further."""

    @contextmanager
    def dirty(*_: object) -> Iterator[source.Source]:
        yield source.Source(tmp_path, COMMIT, NOW, "somebody", ("docker/backend/app/main.py",))

    monkeypatch.setattr(app, "from_commit", dirty)
    assert 0 == deploy()
    assert [True] == [record.dirty for record in fakes.ledger.history()]
    use(monkeypatch, replace(ENVIRONMENT, name="staging", short_name="staging"))
    with pytest.raises(InputError, match=r"main\.py") as failed:
        deploy()
    assert ("docker/backend/app/main.py",) == failed.value.details
    assert 1 == len(fakes.lease.called("acquire"))


def test_what_was_left_is_put_right_from_any_tree(
    fakes: Fakes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """`inv reconcile` takes nothing from it: uncommitted files are no reason to leave visitors with a split."""

    @contextmanager
    def dirty(*_: object) -> Iterator[source.Source]:
        yield source.Source(tmp_path, COMMIT, NOW, "somebody", ("docker/backend/app/main.py",))

    monkeypatch.setattr(app, "from_commit", dirty)
    use(monkeypatch, replace(ENVIRONMENT, name="staging", short_name="staging"))

    assert 0 == app.stage("reconcile", "staging", cloud=None, as_json=False, yes=False)
    with pytest.raises(InputError, match=r"main\.py"):
        app.stage("migrate", "staging", cloud=None, as_json=False, yes=False)


def test_aws_is_not_changed_without_a_word(fakes: Fakes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody can be asked, --yes has to say it."""
    use(monkeypatch, replace(ENVIRONMENT, cloud="aws"))
    with pytest.raises(NotAllowed, match="nobody is there"):
        deploy()
    assert [] == fakes.lease.called("acquire")
    assert 0 == deploy(yes=True)


def serve(fakes: Fakes, name: str, minutes: int, *, dirty: bool = False) -> None:
    """Let the release `name` be deployed, serve, and be good in the ledger."""
    given = replace(release(NOW + timedelta(minutes=minutes)), id=name, images=IMAGES, dirty=dirty)
    for image in IMAGES.values():
        fakes.registry.digests.add((image.repository, image.digest))
    arns = fakes.compute.serve(given)
    fakes.ledger.write(Record.of(replace(given, task_definitions=arns), Verdict.GOOD))


def test_rollback_runs_the_task_definitions_of_the_last_good_release(
    fakes: Fakes, capsys: pytest.CaptureFixture[str]
) -> None:
    """As one unit, and as a release of its own that names what it restores."""
    serve(fakes, "dev-1", 1)
    serve(fakes, "dev-2", 2)
    assert 0 == app.rollback("dev", to="", cloud=None, as_json=True, yes=False)
    answer = json.loads(capsys.readouterr().out)
    record = next(r for r in fakes.ledger.history() if r.release == answer["release"])

    assert ("good", "rollback", "dev-1") == (answer["outcome"], record.kind, record.restores)
    assert [] == fakes.compute.called("register")


@pytest.mark.parametrize("releases", [0, 2])
def test_a_rollback_during_a_deploy_is_exit_40_whatever_there_is_to_go_back_to(
    fakes: Fakes, capsys: pytest.CaptureFixture[str], releases: int
) -> None:
    """What a run leaves on its way is no ground to say that there is nothing to go back to."""
    for number in range(releases):
        serve(fakes, f"dev-{number}", number)
    fakes.lease.lose("ann")
    with pytest.raises(Locked, match="ann"):
        app.rollback("dev", to="", cloud=None, as_json=True, yes=False)

    assert (["failed"] if releases else []) == [json.loads(t)["outcome"] for t in [capsys.readouterr().out] if t]
    assert [] == fakes.traffic.called("set_weights")


def test_a_rollback_from_a_run_that_is_dead_goes_back_to_what_it_was_to_replace(fakes: Fakes) -> None:
    """Not one release further, whatever color has most of the traffic when it comes."""
    for number in range(2):
        serve(fakes, f"dev-{number}", number)
    page = Page("dev-9", "deploy", "ana", 1, NOW, entries=(Entry(1, "set_weights", "green 10%", NOW),))
    fakes.pages.page = page

    assert 0 == app.rollback("dev", to="", cloud=None, as_json=False, yes=False)
    assert ["dev-1"] == [record.restores for record in fakes.ledger.history() if record.kind == "rollback"]


def test_a_fast_rollback_says_so_to_the_strategy(fakes: Fakes, monkeypatch: pytest.MonkeyPatch) -> None:
    """`--fast` is the release's."""
    serve(fakes, "dev-1", 1)
    serve(fakes, "dev-2", 2)
    asked: list[bool] = []
    real = app.execute

    def execute(stages: object, release: Release, *rest: object) -> object:
        asked.append(release.fast)
        return real(stages, release, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(app, "execute", execute)
    for fast in (True, False):
        assert 0 == app.rollback("dev", to="dev-1", cloud=None, as_json=False, yes=False, fast=fast)
    assert [True, False] == asked


def test_a_dirty_release_stays_dirty_when_it_comes_back(fakes: Fakes) -> None:
    """The same images that nobody else can build, whatever the working tree is like today."""
    serve(fakes, "dev-1", 1, dirty=True)
    serve(fakes, "dev-2", 2)

    assert 0 == app.rollback("dev", to="dev-1", cloud=None, as_json=False, yes=False)
    assert {"rollback": True} == {r.kind: r.dirty for r in fakes.ledger.history() if r.kind == "rollback"}


def test_status_and_history_answer_json(fakes: Fakes, capsys: pytest.CaptureFixture[str]) -> None:
    """Both read the cloud and change nothing."""
    serve(fakes, "dev-1", 1)
    read.status("dev", cloud=None, watch=False, as_json=True)
    status = json.loads(capsys.readouterr().out)
    read.history("dev", cloud=None, as_json=True)
    history = json.loads(capsys.readouterr().out)

    assert ("dev-1", True, "http://dev") == (status["release"], status["healthy"], status["url"])
    assert ["dev-1"] == [record["release"] for record in history]
    assert [] == fakes.lease.called("acquire")


def test_status_of_what_scales_out_is_healthy(fakes: Fakes, capsys: pytest.CaptureFixture[str]) -> None:
    """ECS wants what autoscaling asked for, and has not started all of it yet; as many as have to run do."""
    serve(fakes, "dev-1", 1)
    fakes.infrastructure.topology_or_none = SCALED
    live = fakes.compute.live("backend", Color.BLUE)
    fakes.compute.told["backend", Color.BLUE] = replace(live, desired=3, running=2)
    read.status("dev", cloud=None, watch=False, as_json=True)
    status = json.loads(capsys.readouterr().out)

    assert (True, []) == (status["healthy"], status["doubts"])
    assert {"min": 1, "max": 4} == status["services"]["backend"]["scaling"]
    assert (3, 2) == (status["services"]["backend"]["desired"], status["services"]["backend"]["running"])


def test_apply_takes_the_saved_plan_or_says_that_there_is_none(fakes: Fakes) -> None:
    """`inv apply` without `inv plan` is a mistake, not a success."""
    with pytest.raises(InputError, match="there is none"):
        app.stage("apply", "dev", cloud=None, as_json=False, yes=False)
    assert [] == fakes.infrastructure.called("apply")


BUCKET = Change("delete", "module.storage.aws_s3_bucket.this", loses_data=True)


def plan(**options: object) -> int:
    """`inv plan` with everything else left alone."""
    given: dict[str, object] = {"cloud": None, "as_json": False, "yes": False}
    return app.stage("plan", "dev", **(given | options))  # type: ignore[arg-type]


def test_a_plan_is_told_whole_and_where_it_is_kept(fakes: Fakes, capsys: pytest.CaptureFixture[str]) -> None:
    """Stdout has every change; people hear how long it can be applied."""
    fakes.infrastructure.changes = (Change("update", "aws_lb.public", ("idle_timeout",)),)
    assert 0 == plan()
    told = capsys.readouterr()

    assert "  ~ aws_lb.public: idle_timeout" in told.out.splitlines()
    assert "1 to update" == told.out.splitlines()[-1]
    assert f"of commit {COMMIT[:12]}, for 60 minutes: inv apply --env=dev" in told.err


def test_a_plan_that_would_lose_data_is_told_and_refused(fakes: Fakes, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 10: people and programs see what it is before they name it."""
    fakes.infrastructure.changes = (BUCKET,)
    with pytest.raises(GateFailed, match="DATA LOSS"):
        plan()
    told = capsys.readouterr()
    assert f"  - {BUCKET.address}  ! DATA LOSS" in told.out.splitlines()
    assert "saved as" not in told.err

    with pytest.raises(GateFailed, match="DATA LOSS"):
        plan(as_json=True)
    answer = json.loads(capsys.readouterr().out)
    assert ([BUCKET.address], COMMIT) == (answer["plan"]["data_loss"], answer["plan"]["commit"])
    assert 0 == plan(allow_destroy=(BUCKET.address,))


def test_apply_asks_for_the_name_as_well(fakes: Fakes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What is destroyed is named where it is destroyed; then the saved plan is applied, and no other."""
    fakes.infrastructure.changes = (BUCKET,)
    assert 0 == plan(allow_destroy=(BUCKET.address,))
    saved = fakes.infrastructure.planned

    def compose(*_: object, **__: object) -> Site:
        return Site(fakes.world(tmp_path), lambda: TOPOLOGY, lambda: "http://dev", dict, lambda: saved)

    monkeypatch.setattr(app, "compose", compose)
    with pytest.raises(GateFailed, match="DATA LOSS"):
        app.stage("apply", "dev", cloud=None, as_json=False, yes=False)
    assert [] == fakes.infrastructure.called("apply")

    assert 0 == app.stage("apply", "dev", cloud=None, as_json=False, yes=False, allow_destroy=(BUCKET.address,))
    assert [(saved,)] == fakes.infrastructure.called("apply")


def test_a_deploy_that_would_lose_data_changes_nothing(fakes: Fakes) -> None:
    """Not even the ledger hears of it; a name that the plan does not end is no consent."""
    fakes.infrastructure.changes = (BUCKET,)
    with pytest.raises(GateFailed, match="DATA LOSS"):
        deploy()
    with pytest.raises(InputError, match="does not touch it"):
        deploy(allow_destroy=("module.storage.aws_s3_bucket.that",))
    assert ([], []) == (fakes.infrastructure.called("apply"), fakes.ledger.called("write"))

    assert 0 == deploy(allow_destroy=(BUCKET.address,))
    assert 1 == len(fakes.infrastructure.called("apply"))


def test_a_rehearsal_tells_and_refuses_the_same(fakes: Fakes, capsys: pytest.CaptureFixture[str]) -> None:
    """`--dry-run` decides as the deploy would."""
    fakes.infrastructure.changes = (BUCKET,)
    with pytest.raises(GateFailed, match="DATA LOSS"):
        deploy(dry_run=True, as_json=False)

    assert "! DATA LOSS" in capsys.readouterr().out


def test_a_release_of_the_ledger_destroys_nothing(fakes: Fakes) -> None:
    """It applies no plan, so there is nothing to allow."""
    with pytest.raises(InputError, match="changes no infrastructure"):
        deploy(release="dev-1", allow_destroy=("a",))


def test_losing_the_ledger_after_success_is_uncertain(
    fakes: Fakes, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 21: it serves, but nobody could look it up."""
    write = fakes.ledger.write

    def refuse_verdicts(record: Record) -> None:
        if record.outcome is not None:
            raise Unreachable("write the ledger", "S3 does not answer")
        write(record)

    monkeypatch.setattr(fakes.ledger, "write", refuse_verdicts)
    with pytest.raises(StateUncertain, match="S3 does not answer"):
        deploy()
    assert "failed" == json.loads(capsys.readouterr().out)["outcome"]
