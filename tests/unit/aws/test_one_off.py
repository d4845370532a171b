"""One-off tasks: what is streamed, what counts as success, and that nothing is left running."""

from __future__ import annotations

from typing import Any

import pytest

from deployer.aws.one_off import OneOff
from deployer.errors import Interrupted, ReleaseFailed
from deployer.model import StoppedTask
from tests.fakes import FakeClock
from tests.unit.aws import values

TASK = "arn:aws:ecs:ap-south-1:000000000000:task/indivillage-dev/1"
DEFINITION: Any = {
    "containerDefinitions": [
        {
            "name": "backend",
            "logConfiguration": {
                "logDriver": "awslogs",
                "options": {"awslogs-group": "/g", "awslogs-stream-prefix": "blue"},
            },
        }
    ]
}


def ended(code: int | None = 0, **changes: Any) -> Any:
    """Return the task, stopped with this exit code."""
    container = {"name": "backend"} | ({} if code is None else {"exitCode": code})
    task = {"taskArn": TASK, "lastStatus": "STOPPED", "stopCode": "EssentialContainerExited", "containers": [container]}
    return task | changes


RUNNING: Any = {"taskArn": TASK, "lastStatus": "RUNNING", "containers": []}


class Cloud:
    """ECS and its logs, as one task's life: each look takes the next state and the next log lines; the last stays."""

    def __init__(self, *states: Any, log: tuple[tuple[str, ...], ...] = (), tasks: Any = ({"taskArn": TASK},)) -> None:
        self.states, self.log, self.tasks = list(states), list(log), list(tasks)
        self.started: list[Any] = []
        self.halted: list[str] = []
        self.said: list[str] = []
        self.clock = FakeClock()
        self.ecs = self

    def run_task(self, **request: Any) -> Any:
        """Stand for ecs.run_task."""
        self.started.append(request)
        return {"tasks": self.tasks, "failures": [] if self.tasks else [{"reason": "RESOURCE:MEMORY"}]}

    def stop_task(self, **request: Any) -> None:
        """Stand for ecs.stop_task."""
        self.halted.append(request["task"])

    def definition(self, _arn: str) -> Any:
        """Stand for Tasks.definition."""
        return DEFINITION

    def described(self, _cluster: str, _arns: object) -> Any:
        """Stand for Tasks.described."""
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        return (state,) if state else ()

    def log_lines(self, group: str, stream: str, **_: object) -> tuple[tuple[str, ...], str]:
        """Stand for Tasks.log_lines."""
        assert (group, stream) == ("/g", "blue/backend/1")
        return (self.log.pop(0) if self.log else ()), "token"

    def explained(self, tasks: Any, container: str) -> tuple[StoppedTask, ...]:
        """Stand for Tasks.explained."""
        return tuple(
            StoppedTask(t["taskArn"], "td", container, t.get("stoppedReason", "it exited"), None, ("last words",))
            for t in tasks
        )

    def run(self, timeout_s: float = 60) -> None:
        """Run a migration."""
        cloud: Any = self
        topology = values.topology()
        one_off = OneOff(cloud, cloud, self.clock, topology, topology.services["backend"])
        one_off.run("td:1", ["alembic", "upgrade", "head"], timeout_s, self.said.append)


def test_lines_are_said_as_they_come_and_after_the_end() -> None:
    """Awslogs delivers the last lines after the task has stopped."""
    cloud = Cloud(RUNNING, RUNNING, ended(), log=(("one",), (), ("two",), (), ("three",)))
    cloud.run()
    assert cloud.said == ["one", "two", "three"]
    assert cloud.halted == []


def test_it_runs_in_the_services_network_as_the_services_container() -> None:
    """The command replaces the image's, nothing else changes."""
    cloud = Cloud(ended())
    cloud.run()
    request = cloud.started[0]
    assert request["overrides"]["containerOverrides"] == [
        {"name": "backend", "command": ["alembic", "upgrade", "head"]}
    ]
    assert request["networkConfiguration"]["awsvpcConfiguration"]["subnets"] == ["subnet-1", "subnet-2"]
    assert (request["launchType"], request["count"], request["taskDefinition"]) == ("FARGATE", 1, "td:1")


@pytest.mark.parametrize(
    ("state", "seen"),
    [
        pytest.param(ended(1), "exit code 1", id="exit code"),
        pytest.param(ended(137), "exit code 137", id="killed"),
        pytest.param(
            ended(None, stopCode="TaskFailedToStart", stoppedReason="CannotPullContainerError: x"),
            "did not start: CannotPullContainerError",
            id="never started",
        ),
        pytest.param(ended(0, stopCode="UserInitiated"), "exit code 0", id="stopped by hand"),
    ],
)
def test_anything_but_a_clean_end_fails(state: Any, seen: str) -> None:
    """The exit code is the truth; the last words come with it."""
    with pytest.raises(ReleaseFailed) as caught:
        Cloud(RUNNING, state).run()
    assert seen in caught.value.seen
    assert any("last words" in line for line in caught.value.details)


def test_no_capacity_is_said() -> None:
    """ECS answers without an error and without a task."""
    with pytest.raises(ReleaseFailed) as caught:
        Cloud(RUNNING, tasks=()).run()
    assert "RESOURCE:MEMORY" in caught.value.seen


def test_a_task_ecs_does_not_show_yet_is_waited_for() -> None:
    """ECS's answers are eventually consistent."""
    Cloud(None, None, ended()).run()


def test_one_that_takes_too_long_is_stopped() -> None:
    """With what it had said so far, and a sign of life meanwhile."""
    cloud = Cloud(RUNNING, log=(("still migrating",),))
    with pytest.raises(ReleaseFailed) as caught:
        cloud.run(timeout_s=30)
    assert cloud.halted == [TASK]
    assert caught.value.details == ("still migrating",)
    assert any("running, " in line for line in cloud.said)


def test_an_interrupted_run_stops_its_task() -> None:
    """Nobody would watch it any more."""
    cloud = Cloud(RUNNING)
    cloud.clock.stop_at = 3
    with pytest.raises(Interrupted):
        cloud.run()
    assert cloud.halted == [TASK]
