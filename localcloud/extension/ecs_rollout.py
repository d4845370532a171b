"""Judge service tasks by their real health: who completes a deployment, who is replaced, who trips the circuit breaker.

MiniStack calls a task healthy one second after its container started. Here a task counts when its targets are healthy
in every target group of the service and its container health check, if it has one, passed; a task that turns unhealthy
after the grace period is stopped and counted as a failure, as ECS does.
Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html
"""

import logging
import threading
import time
from datetime import datetime
from typing import Any

from localcloud.extension.dataplane import DataPlane
from localcloud.extension.ecs_stop import TaskStopper
from localcloud.extension.elb import Target
from localcloud.extension.emulator import module, replace
from localcloud.extension.state import forget_ended

log = logging.getLogger("localcloud.ecs")

PERIOD_S = 0.2
STEADY_S = 1.0  # without any health check, a task that survived this long counts as healthy
FAILURES = ("EssentialContainerExited", "TaskFailedToStart")
FAILURES_AT_ONCE, FAILURES_WITHIN_S, PAUSE_S = 3, 60.0, 10.0
LIVE = ("PROVISIONING", "PENDING", "ACTIVATING", "RUNNING")


class Rollouts:
    """The part of the ECS service scheduler that looks at health.

    One thread, five times a second, and at once when a target is served or is no longer.
    """

    def __init__(self, ecs: Any, plane: DataPlane, stopper: TaskStopper) -> None:
        self._ecs = ecs
        self._plane = plane
        self._stopper = stopper
        self._scope = module("core.responses").request_scope

    def install(self) -> None:
        """Take the verdict on a rollout from MiniStack's timer."""
        ecs = self._ecs
        make, update, reconcile = ecs._make_deployment, ecs._update_service, ecs._reconcile_service_tasks

        def make_deployment(task_definition: str, desired: int, status: str = "PRIMARY") -> dict[str, Any]:
            deployment: dict[str, Any] = make(task_definition, desired, status)
            if desired > 0:  # MiniStack calls a new service's first deployment complete before a task has started
                deployment |= {"rolloutState": "IN_PROGRESS", "rolloutStateReason": "ECS deployment in progress."}
            return deployment

        def update_service(data: dict[str, Any]) -> Any:
            forget_ended(ecs)  # each release makes tasks, and a cloud may run for weeks
            answer = update(data)
            self._forget_failures()
            return answer

        def reconcile_service_tasks(cluster: str, key: str) -> None:
            service = ecs._services.get(key)
            if service:
                self._make_room(service)
            if service and self._must_wait(service, self._tasks_of(service)):
                ecs._refresh_service_state(cluster, f"service:{service['serviceName']}")
            else:
                reconcile(cluster, key)

        replace(ecs, "_reconcile_service_tasks", reconcile_service_tasks)
        replace(ecs, "_make_deployment", make_deployment)
        replace(ecs, "_update_service", update_service)
        replace(ecs, "_schedule_service_deployment_completion", _not_by_the_clock)

    def start(self) -> None:
        """Start our thread; not before the state of an earlier run is restored, or it would act on half of it."""
        threading.Thread(target=self._run, daemon=True, name="localcloud-rollouts").start()

    def _forget_failures(self) -> None:
        """A deployment that failed is shown until the next one begins, then it would only confuse."""
        for service in self._ecs._services.values():
            newest = max((one["createdAt"] for one in service.get("deployments", ())), default="")
            service["deployments"] = [
                one
                for one in service.get("deployments", ())
                if one["status"] == "PRIMARY" or one["rolloutState"] != "FAILED" or one["createdAt"] == newest
            ]

    def _run(self) -> None:
        while True:
            self._plane.await_news(PERIOD_S)
            for (account, region, key), service in self._ecs._services.all_items():
                if service.get("status") != "ACTIVE":
                    continue
                try:
                    with self._scope(account, region):
                        self._judge(key, service)
                except Exception:
                    log.exception("service %s could not be judged; trying again", key)

    def _tasks_of(self, service: dict[str, Any]) -> list[dict[str, Any]]:
        group, cluster = f"service:{service['serviceName']}", service.get("clusterArn")
        tasks = self._ecs._tasks.values()
        return [task for task in tasks if task.get("group") == group and task.get("clusterArn") == cluster]

    def _make_room(self, service: dict[str, Any]) -> None:
        """Stop tasks of a superseded deployment that never got healthy, before anything that serves is considered.

        Where maximumPercent leaves no room for a replacement, MiniStack stops the oldest task, and that is the one
        which serves; ECS stops unhealthy tasks first.
        """
        primary = self._ecs._primary_deployment(service)
        if not primary or primary.get("rolloutState") != "IN_PROGRESS":
            return
        for task in self._tasks_of(service):
            superseded = task.get("_deployment_id") not in (None, primary["id"])
            if superseded and task.get("lastStatus") in LIVE and not task.get("_startup_stable"):
                self._stopper.begin(task, "Task definition updated", "ServiceSchedulerInitiated")

    def _must_wait(self, service: dict[str, Any], tasks: list[dict[str, Any]]) -> bool:
        """Whether to hold back a replacement: a service whose tasks keep ending is not restarted without a pause.

        A rollout is exempt: there the circuit breaker counts. ECS pauses, too, ever longer up to 27 minutes; here a
        developer waits, so the pause stays short.
        """
        primary = self._ecs._primary_deployment(service)
        live = sum(task.get("lastStatus") in LIVE for task in tasks)
        if not primary or primary.get("rolloutState") != "COMPLETED" or live >= service.get("desiredCount", 0):
            return False
        ends = [_epoch(task.get("stoppedAt")) for task in tasks if task.get("stopCode") in FAILURES]
        recent = [end for end in ends if end > time.time() - FAILURES_WITHIN_S]
        return len(recent) >= FAILURES_AT_ONCE and max(recent) > time.time() - PAUSE_S

    def _judge(self, key: str, service: dict[str, Any]) -> None:
        ecs = self._ecs
        cluster, group = key.split("/", 1)[0], f"service:{service['serviceName']}"
        tasks = self._tasks_of(service)
        turned = False
        for task in tasks:
            if task.get("lastStatus") == "RUNNING" and task.get("desiredStatus") == "RUNNING":
                turned = self._judge_task(key, service, task) or turned
        primary = ecs._primary_deployment(service)
        if not primary or primary.get("rolloutState") == "FAILED":
            return
        live = [one for one in tasks if one.get("lastStatus") in LIVE and one.get("_deployment_id") == primary["id"]]
        waiting = any(one.get("lastStatus") != "RUNNING" for one in live)
        if turned or (len(live) < service.get("desiredCount", 0) and not waiting):
            ecs._refresh_service_state(cluster, group)
            ecs._reconcile_service_tasks(cluster, key)
        if primary.get("rolloutState") == "IN_PROGRESS":
            ecs._complete_service_deployment(cluster, key, expected_deployment_id=primary["id"])

    def _judge_task(self, key: str, service: dict[str, Any], task: dict[str, Any]) -> bool:
        """True when TASK has just been found healthy for the first time."""
        age_s = time.time() - _epoch(task.get("startedAt"))
        complaint = self._complaint(service, task)
        if complaint is None and not task.get("_startup_stable"):
            if not service.get("loadBalancers") and age_s < STEADY_S:
                return False
            self._ecs._record_service_task_healthy(key, task)
            return True
        if complaint and age_s > float(service.get("healthCheckGracePeriodSeconds") or 0):
            log.warning("%s: %s", task["taskArn"], complaint)
            if self._stopper.begin(task, complaint, "ServiceSchedulerInitiated"):
                self._ecs._record_service_task_failure(task)
        return False

    def _complaint(self, service: dict[str, Any], task: dict[str, Any]) -> str | None:
        """None: healthy; empty: not known yet; else the reason for which ECS would stop the task."""
        address, unsure = self._ecs._task_ip(task), False
        for balancer in service.get("loadBalancers") or ():
            arn = balancer.get("targetGroupArn")
            if not arn or not address:
                continue
            target = Target(address, int(balancer.get("containerPort", 80)))
            state = self._plane.health_of(arn, target).state
            if state == "unhealthy":
                return f"Task failed ELB health checks in (target-group {arn})"
            # Healthy is not enough: until HAProxy knows, the tasks before this one have to stay.
            served = state == "healthy" and self._plane.serves(arn, target)
            unsure = unsure or not (served or state == "unused")
        match task.get("healthStatus"):
            case "UNHEALTHY":
                return "Task failed container health checks"
            case "HEALTHY" if not unsure:
                return None
            case _ if not unsure and not task.get("_awaits_health"):
                return None
        return ""


def _not_by_the_clock(*_: Any, **__: Any) -> None:
    """Where MiniStack would wait a second and call the deployment complete."""


def _epoch(stamp: Any) -> float:
    """A MiniStack time stamp as seconds since 1970; now when there is none yet."""
    if isinstance(stamp, int | float):
        return float(stamp)
    return datetime.fromisoformat(stamp).timestamp() if stamp else time.time()
