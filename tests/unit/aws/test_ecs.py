"""What is asked of ECS to roll a revision out."""

from __future__ import annotations

from typing import Any

import pytest

from deployer.aws.ecs import Ecs
from deployer.model import Color, Target
from tests.fakes import FakeClock
from tests.unit.aws import values

OURS = "arn:aws:ecs:ap-south-1:000000000000:task-definition/indivillage-dev-frontend:7"
OTHER = OURS[:-1] + "6"
TASK = {
    "taskArn": "arn:task/1",
    "taskDefinitionArn": OURS,
    "attachments": [{"details": [{"name": "privateIPv4Address", "value": "10.0.0.1"}]}],
}


class Service:
    """One ECS service that is steady at once on whatever it is told to run; it remembers the calls."""

    def __init__(self, definition: str, rollout: str = "COMPLETED") -> None:
        self.deployments: list[Any] = [self._deployment("d-0", definition, rollout)]
        self.updates: list[Any] = []
        self.environment = values.environment()
        self.ecs = self.elbv2 = self

    def describe_services(self, **_: object) -> Any:
        """Stand for ecs.describe_services."""
        service = {"status": "ACTIVE", "deployments": self.deployments, "desiredCount": 1}
        return {"services": [service], "ResponseMetadata": {"HTTPHeaders": {"date": "Fri, 02 Jan 2026 03:04:05 GMT"}}}

    def update_service(self, **request: Any) -> Any:
        """Stand for ecs.update_service: the same definition makes no new deployment unless it is forced."""
        self.updates.append(request)
        if request["forceNewDeployment"] or request["taskDefinition"] != self.deployments[0]["taskDefinition"]:
            self.deployments = [self._deployment(f"d-{len(self.updates)}", request["taskDefinition"], "COMPLETED")]
        return {"service": {"deployments": self.deployments}}

    def get_paginator(self, _operation: str) -> Service:
        """Stand for ecs.get_paginator("list_tasks")."""
        return self

    def paginate(self, **request: Any) -> Any:
        """Stand for its pages: one task runs, none has stopped."""
        return [{"taskArns": ["arn:task/1"] if request["desiredStatus"] == "RUNNING" else []}]

    def describe_tasks(self, **_: object) -> Any:
        """Stand for ecs.describe_tasks."""
        return {"tasks": [TASK]}

    def targets(self, *_: object) -> tuple[Target, ...]:
        """Stand for Traffic.targets."""
        return (Target("10.0.0.1:8080", "healthy"),)

    def roll_out(self) -> None:
        """Roll OURS out in blue."""
        service: Any = self
        compute = Ecs(service, values.topology, service, FakeClock())
        compute.roll_out("frontend", Color.BLUE, OURS, 1, 60, list[str]().append)

    @staticmethod
    def _deployment(id_: str, definition: str, rollout: str) -> Any:
        return {
            "id": id_, "status": "PRIMARY", "taskDefinition": definition, "rolloutState": rollout, "runningCount": 1,
        }  # fmt: skip


def test_one_update_sets_revision_and_count_together() -> None:
    """There is no moment at which the old revision runs in the new number."""
    service = Service(OTHER)
    service.roll_out()
    assert service.updates == [
        {
            "cluster": "indivillage-dev",
            "service": "indivillage-dev-frontend-blue",
            "taskDefinition": OURS,
            "desiredCount": 1,
            "forceNewDeployment": False,
        }
    ]


@pytest.mark.parametrize(("rollout", "forced"), [("FAILED", True), ("COMPLETED", False)])
def test_a_revision_that_ecs_had_given_up_is_started_anew(rollout: str, *, forced: bool) -> None:
    """The same definition again would otherwise change nothing: ECS starts no task of a failed deployment."""
    service = Service(OURS, rollout)
    service.roll_out()
    assert [forced] == [update["forceNewDeployment"] for update in service.updates]
