"""ECS as a script: descriptions of one service in the order in which a roll-out sees them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from deployer.aws.rollout import Rollout, Wanted
from deployer.model import Color, StoppedTask, Target
from tests.fakes import FakeClock

SINCE = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
OURS = "arn:aws:ecs:ap-south-1:000000000000:task-definition/indivillage-dev-frontend:7"
OTHER = OURS[:-1] + "6"
WANTED = Wanted("indivillage-dev", "frontend-blue", "frontend", Color.BLUE, OURS, "ecs-svc/ours", 2, SINCE)


def task(number: int = 1, definition: str = OURS, **changes: Any) -> Any:
    """Return a task of ours, running at 10.0.0.<number>, or with `changes` one in another state."""
    return {
        "taskArn": f"arn:aws:ecs:ap-south-1:000000000000:task/indivillage-dev/{number}",
        "taskDefinitionArn": definition,
        "lastStatus": "RUNNING",
        "createdAt": SINCE + timedelta(seconds=number),
        "attachments": [{"details": [{"name": "privateIPv4Address", "value": f"10.0.0.{number}"}]}],
        **changes,
    }


def crashed(number: int = 1, **changes: Any) -> Any:
    """Return a task of ours that ended by itself."""
    reason = {"stopCode": "EssentialContainerExited", "stoppedReason": "Essential container in task exited"}
    return task(number, **{"lastStatus": "STOPPED", **reason, **changes})


def deployment(**changes: Any) -> Any:
    """Return our deployment, complete."""
    return {
        "id": "ecs-svc/ours",
        "status": "PRIMARY",
        "taskDefinition": OURS,
        "runningCount": 2,
        "rolloutState": "COMPLETED",
        **changes,
    }


class Script:
    """Tasks and services as ECS would tell them, one description after the other; the last one stays.

    `later` is what runs from the second reading of the running tasks on, if that is something else.
    """

    def __init__(
        self, *descriptions: Any, running: Any = (), later: Any = None, stopped: Any = (), targets: Any = ()
    ) -> None:
        self.descriptions = list(descriptions)
        self.running, self.later, self.stopped, self._targets = (
            running,
            running if later is None else later,
            stopped,
            targets,
        )
        self.read = 0
        self.said: list[str] = []
        self.clock = FakeClock()

    def of_service(self, _cluster: str, _service: str, desired_status: str) -> Any:
        """Stand for Tasks.of_service."""
        if desired_status == "STOPPED":
            return self.stopped
        self.read += 1
        return self.running if self.read == 1 else self.later

    def explained(self, tasks: Any, container: str) -> tuple[StoppedTask, ...]:
        """Stand for Tasks.explained."""
        return tuple(StoppedTask(t["taskArn"], OURS, container, t["stoppedReason"], 3, ("boom",)) for t in tasks)

    def last_lines(self, _task: Any, _container: str) -> tuple[str, ...]:
        """Stand for Tasks.last_lines."""
        return ("still starting",)

    def describe(self) -> Any:
        """Stand for DescribeServices."""
        if len(self.descriptions) > 1:
            return self.descriptions.pop(0)
        return self.descriptions[0]

    def follow(self, timeout_s: float = 60, wanted: Wanted = WANTED) -> None:
        """Follow the roll-out to its end."""
        tasks: Any = self
        Rollout(wanted, tasks, self.clock, self.describe, lambda: self._targets).follow(timeout_s, self.said.append)


HEALTHY = (Target("10.0.0.1:8080", "healthy"), Target("10.0.0.2:8080", "healthy"))
RUNNING = (task(1), task(2))


def service(*deployments: Any, **changes: Any) -> Any:
    """Return a service's description."""
    return {"deployments": list(deployments), "pendingCount": 0, **changes}
