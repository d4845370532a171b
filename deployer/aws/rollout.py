"""Watches one ECS deployment to its end and tells the truth about it.

Success is all of: the PRIMARY deployment is the very one that our UpdateService made, runs our task definition, is
COMPLETED and the only one with tasks, runs what is desired, and the load balancer calls every one of our tasks'
targets healthy. Where our tasks listen is read once all of them run; what ECS and the balancer say is of the last look.

ECS's circuit breaker fires after three failures at the earliest and half the desired count at most. We end one earlier
for small services: when max(2, half the count) tasks of this revision, started since our update, were ended by
themselves or by failed health checks. One such task proves nothing (a node dies, a secret store hiccups); a task that
the scheduler stopped to scale down or to drain counts never.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from deployer.aws.tasks import addresses, told
from deployer.errors import DeployError, ReleaseFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from mypy_boto3_ecs.type_defs import DeploymentTypeDef, ServiceTypeDef, TaskTypeDef

    from deployer.aws.tasks import Tasks
    from deployer.model import Color, Target
    from deployer.ports import Clock, Say

FIRST_PAUSE_S = 0.2
"""After the first look: no task is up sooner, and who starts on this machine has it to itself meanwhile."""
POLL_FIRST_S = 0.02
EAGER_S = 0.8
"""So long it polls as at first: a local cloud is done by then. Later the pauses grow: Fargate takes half a minute."""
POLL_MOST_S = 2.0
POLL_SLOWER = 1.15
HEARTBEAT_S = 10.0
LOOK_FOR_FAILURES_EVERY_S = 2.0
DOUBT_S = 5.0
"""How long ECS may show a service without our deployment: its answers are eventually consistent."""
UNHEALTHY_GRACE_S = 30.0
"""How long a target may stay unhealthy after ECS calls the deployment complete (on AWS it never is by then)."""
HEALTH_WORDS = ("health check",)
OWN_END = frozenset({"EssentialContainerExited", "TaskFailedToStart"})


@dataclass(frozen=True, slots=True)
class Wanted:
    """The deployment to watch: made by our UpdateService, at the server's time `since`."""

    cluster: str
    ecs_service: str
    container: str
    color: Color
    task_definition: str
    deployment_id: str
    count: int
    since: datetime


@dataclass(frozen=True, slots=True)
class Seen:
    """One look at the service, in words; `steady` ends the wait, `unhealthy` makes it impatient."""

    words: str
    steady: bool = False
    unhealthy: bool = False


class Rollout:
    """Follows one deployment. `describe` reads the ECS service, `targets` the color's target group."""

    def __init__(
        self,
        wanted: Wanted,
        tasks: Tasks,
        clock: Clock,
        describe: Callable[[], ServiceTypeDef],
        targets: Callable[[], tuple[Target, ...]],
    ) -> None:
        self._wanted = wanted
        self._tasks = tasks
        self._clock = clock
        self._describe = describe
        self._targets = targets
        self._known_failures = 0
        self._looked_at = 0.0
        self._doubted_at: float | None = None
        self._addresses: frozenset[str] = frozenset()

    def follow(self, timeout_s: float, say: Say) -> None:
        """Wait until the deployment is steady. Raises ReleaseFailed, stopped tasks in `details`, when it is not."""
        started = said = self._looked_at = self._clock.monotonic()
        pause, words, unhealthy_since = FIRST_PAUSE_S, "", 0.0
        while True:
            now = self._clock.monotonic()
            seen = self._look(now)
            if seen.steady:
                say(f"{self._name}: {seen.words}, {now - started:.1f} s")
                return
            unhealthy_since = (unhealthy_since or now) if seen.unhealthy else 0.0
            if unhealthy_since and now - unhealthy_since > UNHEALTHY_GRACE_S:
                raise self._failed(f"its targets stay unhealthy: {seen.words}")
            if now - started >= timeout_s:
                raise self._failed(f"not steady after {timeout_s:.0f} s: {seen.words}")
            if (seen.words != words and now - said >= 1) or now - said >= HEARTBEAT_S or not words:
                say(f"{self._name}: {seen.words}, {now - started:.0f} s")
                said, words = now, seen.words
            self._clock.wait(pause)
            pause = POLL_FIRST_S if now - started < EAGER_S else min(POLL_MOST_S, pause * POLL_SLOWER)

    @property
    def _name(self) -> str:
        return f"{self._wanted.container} {self._wanted.color}"

    def _look(self, now: float) -> Seen:
        service = self._describe()
        deployments = service.get("deployments", [])
        ours = next((d for d in deployments if d.get("id") == self._wanted.deployment_id), None)
        doubt = self._taken_over(ours, next((d for d in deployments if d.get("status") == "PRIMARY"), None))
        if doubt or ours is None:
            self._doubted_at = now if self._doubted_at is None else self._doubted_at
            if now - self._doubted_at >= DOUBT_S:
                raise self._failed(doubt)
            return Seen("waiting for ECS to show the deployment")
        self._doubted_at = None
        self._refuse_crash_loop(ours, now)
        running, wanted = ours.get("runningCount", 0), self._wanted.count
        state = ours.get("rolloutState", "COMPLETED")
        words = f"{running} of {wanted} running, deployment {state.lower().replace('_', ' ')}"
        others = sum(1 for d in deployments if d is not ours and (d.get("runningCount") or d.get("pendingCount")))
        if others:
            words += f", {others} earlier one{'s' if others > 1 else ''} draining"
        if running == wanted:
            self._learn_addresses()
        else:
            self._addresses = frozenset()  # one of them has ended, or none was there yet
        if state != "COMPLETED" or others or running != wanted or service.get("pendingCount", 0):
            return Seen(words)
        return self._health(words)

    def _taken_over(self, ours: DeploymentTypeDef | None, primary: DeploymentTypeDef | None) -> str:
        """Say why ours is no longer what ECS works on, "" when it is. Raises when ECS says itself that ours failed.

        The ECS tools that compare the wrong deployment call the circuit breaker's rollback a success.
        """
        if ours is not None and ours.get("rolloutState") == "FAILED":
            raise self._failed(ours.get("rolloutStateReason") or "ECS gave the deployment up")
        if ours is None or primary is None or primary.get("id") != self._wanted.deployment_id:
            runs = primary.get("taskDefinition", "") if primary else "nothing"
            return f"ECS replaced this deployment by another one, which runs {runs}"
        if ours.get("taskDefinition") != self._wanted.task_definition:
            return f"the deployment runs {ours.get('taskDefinition')} instead"
        return ""

    def _refuse_crash_loop(self, ours: DeploymentTypeDef, now: float) -> None:
        failures = ours.get("failedTasks", 0)
        if failures <= self._known_failures and now - self._looked_at < LOOK_FOR_FAILURES_EVERY_S:
            return
        self._known_failures, self._looked_at = failures, now
        stopped = self._tasks.of_service(self._wanted.cluster, self._wanted.ecs_service, "STOPPED")
        failed = [task for task in stopped if failed_by_itself(task, self._wanted)]
        if len(failed) >= enough(self._wanted.count):
            raise self._failed(f"{len(failed)} of its tasks have failed, one after the other")

    def _learn_addresses(self) -> None:
        """Read where our tasks listen, unless it is known; while ECS waits for their health there is time for it."""
        if len(self._addresses) != self._wanted.count:
            running = self._tasks.of_service(self._wanted.cluster, self._wanted.ecs_service, "RUNNING")
            self._addresses = addresses_of(running, self._wanted)

    def _health(self, words: str) -> Seen:
        """ECS is content; ask the load balancer about the targets of our own tasks."""
        if self._wanted.count == 0:
            return Seen("nothing runs, as wanted", steady=True)
        states = target_states(self._addresses, self._targets())
        healthy = states.count("healthy")
        if healthy == self._wanted.count and len(states) == healthy:
            return Seen(f"{healthy} of {self._wanted.count} running and healthy", steady=True)
        self._addresses = frozenset()  # a task may have been replaced since they were read
        words += f", targets {', '.join(sorted(states)) or 'not registered'}"
        return Seen(words, unhealthy="unhealthy" in states)

    def _failed(self, seen: str) -> ReleaseFailed:
        """Make the error, with all that explains it; what cannot be read never hides the failure itself."""
        try:
            details = self._explained()
        except DeployError as error:
            details = (f"the tasks could not be read: {error}",)
        return ReleaseFailed(f"rolling out {self._name}", seen, "the lines below say why", details=details)

    def _explained(self) -> tuple[str, ...]:
        wanted = self._wanted
        stopped = self._tasks.of_service(wanted.cluster, wanted.ecs_service, "STOPPED")
        failed = [task for task in stopped if failed_by_itself(task, wanted)]
        failed.sort(key=lambda task: task["createdAt"], reverse=True)
        details = told(self._tasks.explained(failed, wanted.container))
        if details:
            return details
        running = self._tasks.of_service(wanted.cluster, wanted.ecs_service, "RUNNING")
        for task in [t for t in running if t.get("taskDefinitionArn") == wanted.task_definition][:2]:
            details += (f"{wanted.container} task {task['taskArn'].rsplit('/', 1)[-1]}: {task.get('lastStatus')}",)
            details += tuple(f"  | {line}" for line in self._tasks.last_lines(task, wanted.container))
        return details


def enough(count: int) -> int:
    """How many failed tasks of a revision that should run `count` settle that it is broken."""
    return max(2, -(-count // 2))


def failed_by_itself(task: TaskTypeDef, wanted: Wanted) -> bool:
    """Whether this stopped task speaks against the revision: its own end, or failed health checks, since our update."""
    if task.get("taskDefinitionArn") != wanted.task_definition or task["createdAt"] < wanted.since:
        return False
    reason = task.get("stoppedReason", "").lower()
    return task.get("stopCode") in OWN_END or any(word in reason for word in HEALTH_WORDS)


def addresses_of(running: Sequence[TaskTypeDef], wanted: Wanted) -> frozenset[str]:
    """Collect the addresses of our revision's tasks; other tasks say nothing about it."""
    return addresses([task for task in running if task.get("taskDefinitionArn") == wanted.task_definition])


def target_states(ours: frozenset[str], targets: Sequence[Target]) -> list[str]:
    """States of the targets at the addresses `ours`; others, as of earlier revisions, do not count."""
    return [target.state for target in targets if target.address.rpartition(":")[0] in ours]
