"""What happened to tasks: why they stopped, what they said last, which addresses they have."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Literal

from deployer.aws.faults import Expected, mapped
from deployer.aws.task_definition import log_stream
from deployer.errors import DeployError
from deployer.model import StoppedTask

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mypy_boto3_ecs.type_defs import ContainerTypeDef, TaskDefinitionTypeDef, TaskTypeDef

    from deployer.aws.session import Session
    from deployer.ports import Clock

LOG_LINES = 20
EXPLAINED = 5
"""Stopped tasks that are explained with log lines: the newest; a crash loop's are all alike."""
LOG_PATIENCE_S = 2.0
"""awslogs delivers a task's last lines up to a few seconds after the task has stopped."""
PAGE = 100


class Tasks:
    """Reads tasks and their logs. Task definitions are immutable and therefore read once."""

    def __init__(self, session: Session, clock: Clock) -> None:
        self._session = session
        self._clock = clock
        self._definitions: dict[str, TaskDefinitionTypeDef] = {}
        self._lock = threading.Lock()

    def definition(self, arn: str) -> TaskDefinitionTypeDef:
        """Describe a task definition, from memory when it was read before."""
        with self._lock:
            known = self._definitions.get(arn)
        if known is None:
            with mapped(f"reading the task definition {arn}"):
                known = self._session.ecs.describe_task_definition(taskDefinition=arn)["taskDefinition"]
            with self._lock:
                self._definitions[arn] = known
        return known

    def of_service(
        self, cluster: str, service: str, desired_status: Literal["RUNNING", "STOPPED"]
    ) -> tuple[TaskTypeDef, ...]:
        """Read the tasks of one ECS service that should be RUNNING or STOPPED."""
        with mapped(f"reading the tasks of {service}"):
            pages = self._session.ecs.get_paginator("list_tasks").paginate(
                cluster=cluster, serviceName=service, desiredStatus=desired_status
            )
            arns = [arn for page in pages for arn in page["taskArns"]]
        return self.described(cluster, arns)

    def stopped_of_family(self, cluster: str, family: str, task_definition: str) -> tuple[TaskTypeDef, ...]:
        """Read the stopped tasks of one revision, newest first; ECS keeps them for an hour."""
        with mapped(f"reading the stopped tasks of {family}"):
            pages = self._session.ecs.get_paginator("list_tasks").paginate(
                cluster=cluster, family=family, desiredStatus="STOPPED"
            )
            arns = [arn for page in pages for arn in page["taskArns"]]
        found = [t for t in self.described(cluster, arns) if t.get("taskDefinitionArn") == task_definition]
        return tuple(sorted((t for t in found if t.get("lastStatus") == "STOPPED"), key=_ended, reverse=True))

    def described(self, cluster: str, arns: Sequence[str]) -> tuple[TaskTypeDef, ...]:
        """Describe tasks by ARN; those ECS has forgotten are left out."""
        found: list[TaskTypeDef] = []
        for start in range(0, len(arns), PAGE):
            with mapped("reading tasks"):
                page = self._session.ecs.describe_tasks(cluster=cluster, tasks=list(arns[start : start + PAGE]))
            found.extend(page["tasks"])
        return tuple(found)

    def explained(self, tasks: Sequence[TaskTypeDef], container: str) -> tuple[StoppedTask, ...]:
        """Say why tasks stopped and what they said last; logs are fetched at once, before they are gone."""
        tasks = tasks[:EXPLAINED]
        if not tasks:
            return ()
        with ThreadPoolExecutor(len(tasks)) as pool:
            return tuple(pool.map(lambda task: self._explain(task, container), tasks))

    def last_lines(self, task: TaskTypeDef, container: str, patience_s: float = 0.0) -> tuple[str, ...]:
        """Read the last log lines of a task's container, waiting up to `patience_s` for the first to arrive.

        A log that cannot be read is a line that says so: it must not hide what it was to explain.
        """
        deadline = self._clock.monotonic() + patience_s
        try:
            stream = log_stream(self.definition(task["taskDefinitionArn"]), container, task["taskArn"])
            while stream is not None:
                lines, _ = self.log_lines(*stream, limit=LOG_LINES)
                if lines or self._clock.monotonic() >= deadline:
                    return lines
                with self._clock.shield():  # short, and an interrupted run wants its explanation most
                    self._clock.wait(0.2)
        except DeployError as error:
            return (f"(the log could not be read: {error.seen})",)
        return ()

    def log_lines(
        self, group: str, stream: str, *, limit: int = 1000, token: str = "", from_head: bool = False
    ) -> tuple[tuple[str, ...], str]:
        """Read a log stream: its last `limit` lines, or its first; with a `token` what came since.

        Returns the lines and the token to go on with; a stream that does not exist (yet) has none.
        """
        read = partial(self._session.logs.get_log_events, logGroupName=group, logStreamName=stream, limit=limit)
        try:
            with mapped(f"reading the log {group} {stream}", expected={"ResourceNotFoundException"}):
                answer = read(startFromHead=True, nextToken=token) if token else read(startFromHead=from_head)
        except Expected:
            return (), token
        return tuple(event.get("message", "").rstrip("\n") for event in answer["events"]), answer["nextForwardToken"]

    def _explain(self, task: TaskTypeDef, container: str) -> StoppedTask:
        none: ContainerTypeDef = {}
        described = next((c for c in task.get("containers", []) if c.get("name") == container), none)
        reasons = (task.get("stoppedReason", ""), described.get("reason", ""))
        exit_code = described.get("exitCode")
        started = exit_code is not None or "startedAt" in task
        return StoppedTask(
            task_arn=task["taskArn"],
            task_definition=task["taskDefinitionArn"],
            container=container,
            reason="; ".join(filter(None, reasons)) or "no reason given",
            exit_code=exit_code,
            # A task that never started has said nothing: its reason is all there is.
            log_lines=self.last_lines(task, container, LOG_PATIENCE_S if started else 0.0),
        )


def _ended(task: TaskTypeDef) -> tuple[float, ...]:
    """Sort key: when it stopped, then when it was made (whole seconds in the local cloud)."""
    return tuple(moment.timestamp() for moment in (task.get("stoppedAt"), task.get("createdAt")) if moment is not None)


def addresses(tasks: Sequence[TaskTypeDef]) -> frozenset[str]:
    """Collect the private addresses of tasks' network interfaces: what their targets are registered under."""
    return frozenset(
        detail.get("value", "")
        for task in tasks
        for attachment in task.get("attachments", [])
        for detail in attachment.get("details", [])
        if detail.get("name") == "privateIPv4Address"
    )


def told(stopped: Sequence[StoppedTask]) -> tuple[str, ...]:
    """Lines that explain stopped tasks to a person, one task after the other."""
    return tuple(line for task in stopped for line in task.told())
