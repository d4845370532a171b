"""What the commands answer: the keys that scripts depend on."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from deployer import reports
from deployer.errors import GateFailed
from deployer.model import Color, Holder, Record, Revision, Scaling, StageResult, Status, Verdict
from deployer.pipeline import Report
from tests.examples import NOW, release

LIVE = {
    name: Revision(name, Color.BLUE, f"arn:{name}:1", "dev-1", "abc", "sha256:1", 1, 1, "COMPLETED")
    for name in ("backend", "frontend")
}


def status(**changes: object) -> dict[str, object]:
    """`status` of a healthy environment, but for `changes`."""
    given: dict[str, object] = {
        "environment": "development",
        "url": "http://x",
        "traffic": {Color.BLUE: 100, Color.GREEN: 0},
        "live": LIVE,
        "scaling": {},
        "doubts": (),
        "holder": None,
        "in_progress": None,
    }
    return reports.status(**(given | changes))  # type: ignore[arg-type]


def test_a_release_report_has_the_promised_keys() -> None:
    """`deploy --json` ends with one object of these keys."""
    failed = StageResult("lint", Status.FAILED, 1.5, "no")
    report = Report(release(), Verdict.FAILED, 2.5, (failed,), GateFailed("lint", "two problems"))

    assert {
        "release": release().id,
        "outcome": "failed",
        "duration_s": 2.5,
        "stages": [{"name": "lint", "status": "failed", "duration_s": 1.5}],
        "reason": "lint: two problems",
        "critical_path": ["lint"],
        "critical_path_s": 1.5,
        "aws_calls": {"ecs.DescribeServices": 3, "s3.PutObject": 1},
        "plan": None,
    } == reports.release(report, ("lint",), 1.5, {"s3.PutObject": 1, "ecs.DescribeServices": 3})


def test_status_says_what_serves() -> None:
    """One release in both services, all healthy."""
    answer = status()

    assert ("dev-1", "abc", True, None) == (answer["release"], answer["commit"], answer["healthy"], answer["lock"])
    assert {"blue": 100, "green": 0} == answer["traffic"]
    services = answer["services"]
    assert isinstance(services, dict)
    backend = {"color": "blue", "digest": "sha256:1", "desired": 1, "running": 1, "scaling": None}
    assert backend == services["backend"]


def test_services_of_two_releases_are_no_release() -> None:
    """A half-done update has no one release to name."""
    other = replace(LIVE["backend"], release="dev-2", commit="def")

    assert (None, None) == (
        status(live=LIVE | {"backend": other})["release"],
        status(live=LIVE | {"backend": other})["commit"],
    )


def test_a_doubt_or_nothing_running_is_not_healthy() -> None:
    """Healthy is what has no doubt and runs at all."""
    nothing = {name: replace(revision, desired=0, running=0) for name, revision in LIVE.items()}

    assert status(doubts=("backend runs something else",))["healthy"] is False
    assert status(live=nothing)["healthy"] is False


def test_status_shows_what_autoscaling_has_under_way() -> None:
    """The limits are in JSON; people read that tasks come or go, and see it of no service that does not scale."""
    live = {name: replace(LIVE["backend"], service=name, desired=4, running=2) for name in LIVE}
    answer = status(live=live, scaling={"backend": Scaling(2, 10)})
    fewer = status(live={"backend": replace(live["backend"], desired=1)}, scaling={"backend": Scaling(1, 10)})
    still = status(scaling={"backend": Scaling(1, 10)})

    services = answer["services"]
    assert isinstance(services, dict)
    assert ({"min": 2, "max": 10}, None) == (services["backend"]["scaling"], services["frontend"]["scaling"])
    lines = reports.status_lines(answer)
    assert "blue, 2 of 4 tasks (scaling out, 2 starting; 2 to 10), sha256:1" == lines["backend"]
    assert "blue, 2 of 4 tasks, sha256:1" == lines["frontend"]
    assert "2 of 1 tasks (scaling in, 1 stopping; 1 to 10)" in reports.status_lines(fewer)["backend"]
    assert "blue, 1 of 1 tasks, sha256:1" == reports.status_lines(still)["backend"]


def test_status_names_the_lock_and_what_is_in_progress() -> None:
    """Who holds it, until when, and for which release."""
    answer = status(holder=Holder("ann", NOW, 3, "dev-2"), in_progress="dev-2")

    assert {"owner": "ann", "expires_at": "2026-03-04T05:06:07Z", "reason": None} == answer["lock"]
    assert "dev-2" == answer["in_progress"]
    assert "ann until 2026-03-04T05:06:07Z" == reports.status_lines(answer)["lock"]


def test_status_says_why_somebody_locked_it() -> None:
    """And how it becomes free."""
    answer = status(holder=Holder("ann", NOW, 3, reason="the auditors are here"))

    assert {"owner": "ann", "expires_at": "2026-03-04T05:06:07Z", "reason": "the auditors are here"} == answer["lock"]
    assert "ann until inv unlock: the auditors are here" == reports.status_lines(answer)["lock"]


def test_history_leaves_out_what_still_runs_and_calls_a_silent_end_interrupted() -> None:
    """A record without an outcome whose run is gone was cut off."""
    running = Record.of(replace(release(), id="dev-3"))
    silent = Record.of(replace(release(), id="dev-2"))
    good = Record.of(replace(release(), id="dev-1"), Verdict.GOOD, ended_at=NOW + timedelta(seconds=9))
    answer = reports.history((running, silent, good), in_progress="dev-3")

    assert [("dev-2", "interrupted"), ("dev-1", "good")] == [(row["release"], row["outcome"]) for row in answer]
    assert "2026-03-04T05:06:16Z" == answer[1]["ended_at"]
    assert {"release", "commit", "outcome", "started_at", "ended_at", "actor", "digests", "reason"} <= set(answer[0])
    assert "dev-2" == reports.history_rows(answer)[1][0]


def test_history_says_which_releases_nobody_else_can_build() -> None:
    """In JSON by a key of its own, for people beside the outcome."""
    dirty = Record.of(replace(release(), dirty=True), Verdict.GOOD)
    clean = Record.of(release(), Verdict.GOOD)
    answer = reports.history((dirty, clean), in_progress=None)

    assert [True, False] == [row["dirty"] for row in answer]
    assert ["good, dirty", "good"] == [row[1] for row in reports.history_rows(answer)[1:]]
