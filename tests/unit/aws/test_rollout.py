"""When a roll-out counts as success, as failure, and as not yet either."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from deployer.aws.rollout import addresses_of, enough, failed_by_itself, target_states
from deployer.aws.tasks import addresses, told
from deployer.errors import NotAllowed, ReleaseFailed
from deployer.model import StoppedTask, Target
from tests.unit.aws.ecs_script import HEALTHY, OTHER, OURS, RUNNING, WANTED, Script, crashed, deployment, service, task


def test_steady_needs_everything() -> None:
    """Our deployment, complete, alone, running, and its own targets healthy."""
    script = Script(service(deployment()), running=RUNNING, targets=HEALTHY)
    script.follow()
    assert "2 of 2 running and healthy" in script.said[-1]


@pytest.mark.parametrize(
    ("seen", "targets"),
    [
        pytest.param(service(deployment(rolloutState="IN_PROGRESS")), HEALTHY, id="not complete"),
        pytest.param(service(deployment(runningCount=1)), HEALTHY, id="one of two running"),
        pytest.param(service(deployment(), pendingCount=1), HEALTHY, id="something pending"),
        pytest.param(
            service(deployment(), deployment(id="old", status="ACTIVE", runningCount=1)), HEALTHY, id="old one draining"
        ),
        pytest.param(service(deployment()), HEALTHY[:1], id="one target registered"),
        pytest.param(service(deployment()), (HEALTHY[0], Target("10.0.0.2:8080", "initial")), id="one target initial"),
        pytest.param(
            service(deployment()),
            (Target("10.0.0.8:8080", "healthy"), Target("10.0.0.9:8080", "healthy")),
            id="only other tasks' targets healthy",
        ),
    ],
)
def test_anything_less_is_waited_for_and_then_fails(seen: Any, targets: Any) -> None:
    """Each missing piece alone keeps it from being success."""
    script = Script(seen, running=RUNNING, targets=targets)
    with pytest.raises(ReleaseFailed) as caught:
        script.follow(timeout_s=25)
    assert "not steady after 25 s" in caught.value.seen
    assert any("still starting" in line for line in caught.value.details)


def test_it_looks_often_at_first_and_seldom_later() -> None:
    """A local cloud is done within seconds; a quarter of an hour on Fargate must not end in throttling."""

    def looks(timeout_s: float) -> int:
        busy = [service(deployment(rolloutState="IN_PROGRESS"))] * 100
        script = Script(*busy, running=RUNNING)
        with pytest.raises(ReleaseFailed):
            script.follow(timeout_s=timeout_s)
        return len(busy) - len(script.descriptions)

    assert (49, 68) == (looks(2), looks(20))


def test_a_failed_deployment_without_tasks_does_not_hold_up_the_next() -> None:
    """ECS lists what its circuit breaker gave up; nothing of it runs."""
    left = deployment(id="old", status="ACTIVE", runningCount=0, rolloutState="FAILED")
    Script(service(deployment(), left), running=RUNNING, targets=HEALTHY).follow()


BREAKER = deployment(status="ACTIVE", rolloutState="FAILED", rolloutStateReason="circuit breaker", runningCount=0)


@pytest.mark.parametrize(
    "seen",
    [
        pytest.param(service(BREAKER | {"status": "PRIMARY"}), id="no rollback"),
        pytest.param(service(deployment(id="rollback", taskDefinition=OTHER), BREAKER), id="rolled back and complete"),
    ],
)
def test_what_ecs_gave_up_fails_at_once(seen: Any) -> None:
    """A service that is steady again on the old revision is what the breaker's rollback looks like."""
    script = Script(seen, running=RUNNING, targets=HEALTHY, stopped=(crashed(3),))
    with pytest.raises(ReleaseFailed) as caught:
        script.follow()
    assert "circuit breaker" in caught.value.seen
    assert any("boom" in line for line in caught.value.details)
    assert script.clock.monotonic() == 0


@pytest.mark.parametrize(
    "seen",
    [
        pytest.param(service(deployment(id="rollback", taskDefinition=OTHER)), id="ours is forgotten"),
        pytest.param(
            service(deployment(id="next", taskDefinition=OTHER), deployment(status="ACTIVE")), id="ours is superseded"
        ),
        pytest.param(service(deployment(id="somebody else's")), id="same definition, another deployment"),
        pytest.param(service(deployment(taskDefinition=OTHER)), id="another definition"),
        pytest.param(service(), id="no deployment at all"),
    ],
)
def test_success_of_another_deployment_is_our_failure(seen: Any) -> None:
    """It is believed once ECS has said so for some seconds."""
    script = Script(seen, running=RUNNING, targets=HEALTHY)
    with pytest.raises(ReleaseFailed) as caught:
        script.follow()
    assert "instead" in caught.value.seen or "another one" in caught.value.seen
    assert 5 <= script.clock.monotonic() < 8


def test_a_deployment_that_ecs_does_not_show_yet_is_waited_for() -> None:
    """ECS's answers are eventually consistent: the first may be from before our update."""
    before = service(deployment(id="old", taskDefinition=OTHER))
    Script(before, before, before, service(deployment()), running=RUNNING, targets=HEALTHY).follow()


def test_what_cannot_be_explained_still_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing permission to read tasks must not hide that the release failed."""

    def denied(*_: object) -> None:
        raise NotAllowed("reading the tasks", "AccessDenied")

    script = Script(service(BREAKER))
    monkeypatch.setattr(script, "of_service", denied)
    with pytest.raises(ReleaseFailed) as caught:
        script.follow()
    assert any("AccessDenied" in line for line in caught.value.details)


def test_a_crash_loop_ends_before_the_breaker_does() -> None:
    """Two of ours that ended by themselves settle it for a service of two."""
    seen = service(deployment(rolloutState="IN_PROGRESS", runningCount=0, failedTasks=2))
    script = Script(seen, stopped=(crashed(1), crashed(2)))
    with pytest.raises(ReleaseFailed) as caught:
        script.follow()
    assert "2 of its tasks have failed" in caught.value.seen
    assert script.clock.monotonic() < 1


def test_crashes_are_found_when_ecs_does_not_count_them() -> None:
    """Without a circuit breaker `failedTasks` stays 0: the stopped tasks are looked at anyway."""
    seen = service(deployment(rolloutState="IN_PROGRESS", runningCount=0))
    script = Script(seen, stopped=(crashed(1), crashed(2)))
    with pytest.raises(ReleaseFailed):
        script.follow()
    assert script.clock.monotonic() < 5


@pytest.mark.parametrize(
    "stopped",
    [
        pytest.param((crashed(1),), id="a single crash"),
        pytest.param((crashed(-1), crashed(-2), crashed(-3)), id="crashes before our update"),
        pytest.param((crashed(1, definition=OTHER), crashed(2, definition=OTHER)), id="crashes of the old revision"),
        pytest.param(
            tuple(
                crashed(n, stopCode="ServiceSchedulerInitiated", stoppedReason="Scaling activity initiated")
                for n in range(5)
            ),
            id="stopped to scale down",
        ),
        pytest.param(
            tuple(crashed(n, stopCode="UserInitiated", stoppedReason="by hand") for n in range(5)), id="by hand"
        ),
    ],
)
def test_what_does_not_speak_against_the_revision_is_no_alarm(stopped: Any) -> None:
    """The roll-out goes on and succeeds."""
    busy = service(deployment(rolloutState="IN_PROGRESS", runningCount=1, failedTasks=1))
    script = Script(*[busy] * 55, service(deployment()), running=RUNNING, targets=HEALTHY, stopped=stopped)
    script.follow()
    assert script.clock.monotonic() > 2


def test_failed_health_checks_speak_against_the_revision() -> None:
    """ECS stops such tasks itself; their containers did not exit."""
    reason = "Task failed ELB health checks in (target-group arn:…)"
    assert failed_by_itself(crashed(1, stopCode="ServiceSchedulerInitiated", stoppedReason=reason), WANTED)


def test_targets_that_stay_unhealthy_fail_before_the_timeout() -> None:
    """ECS is content, the load balancer is not, for longer than a slow start takes."""
    targets = (HEALTHY[0], Target("10.0.0.2:8080", "unhealthy"))
    script = Script(service(deployment()), running=RUNNING, targets=targets)
    with pytest.raises(ReleaseFailed) as caught:
        script.follow(timeout_s=600)
    assert "stay unhealthy" in caught.value.seen
    assert 30 < script.clock.monotonic() < 40


def test_rolling_out_nothing_needs_no_targets() -> None:
    """A color scaled to nothing is steady when nothing runs."""
    Script(service(deployment(runningCount=0))).follow(wanted=replace(WANTED, count=0))


def test_progress_is_told_at_least_every_ten_seconds() -> None:
    """A wait says where it is."""
    script = Script(service(deployment(rolloutState="IN_PROGRESS", runningCount=1)))
    with pytest.raises(ReleaseFailed):
        script.follow(timeout_s=60)
    assert 6 <= len(script.said) <= 8
    assert all("1 of 2 running, deployment in progress" in line for line in script.said)


@pytest.mark.parametrize(("count", "expected"), [(1, 2), (2, 2), (4, 2), (5, 3), (10, 5)])
def test_how_many_failures_settle_it(count: int, expected: int) -> None:
    """Never one; half of a large service."""
    assert expected == enough(count)


def test_addresses_are_those_of_the_network_interfaces() -> None:
    """Targets are registered under them."""
    assert {"10.0.0.1", "10.0.0.2"} == addresses(RUNNING)
    ours = addresses_of([task(1), task(2, definition=OTHER)], WANTED)
    assert ["healthy"] == target_states(ours, HEALTHY)


def test_tasks_are_read_once_while_their_health_is_waited_for() -> None:
    """The last look, which the command waits for, asks for nothing that is known."""
    waiting = service(deployment(rolloutState="IN_PROGRESS"))
    script = Script(waiting, waiting, waiting, service(deployment()), running=RUNNING, targets=HEALTHY)
    script.follow()
    assert 1 == script.read


def test_a_task_that_was_replaced_after_it_was_read_is_not_success() -> None:
    """Its target is gone; its successor's counts, once the tasks have been read again."""
    waiting = service(deployment(rolloutState="IN_PROGRESS"))
    targets = (HEALTHY[0], Target("10.0.0.3:8080", "healthy"))
    script = Script(waiting, service(deployment()), running=RUNNING, later=(task(1), task(3)), targets=targets)
    script.follow()
    assert 2 == script.read
    assert script.clock.monotonic() > 0.2  # one look more


def test_a_task_that_ended_meanwhile_is_not_remembered() -> None:
    """Even where the load balancer has not noticed yet, and goes on to call its target healthy."""
    waiting = service(deployment(rolloutState="IN_PROGRESS"))
    one_less = service(deployment(rolloutState="IN_PROGRESS", runningCount=1))
    targets = (*HEALTHY, Target("10.0.0.3:8080", "initial"))
    later = (task(1), task(3))
    script = Script(waiting, one_less, service(deployment()), running=RUNNING, later=later, targets=targets)
    with pytest.raises(ReleaseFailed) as caught:
        script.follow(timeout_s=10)
    assert "targets healthy, initial" in caught.value.seen


def test_stopped_tasks_are_told_with_code_and_last_words() -> None:
    """One line of reason, then what it said."""
    lines = told(
        [
            StoppedTask("a/b/7", OURS, "frontend", "it exited", 3, ("one", "two")),
            StoppedTask("a/8", OURS, "f", "r", None, ()),
        ]
    )
    assert lines == (
        "frontend task 7: it exited (exit code 3)",
        "  | one",
        "  | two",
        "f task 8: r (no exit code)",
        "  | (it wrote no log)",
    )
