"""Stop tasks as ECS does: leave the load balancer, finish what is in flight, SIGTERM, wait, SIGKILL.

MiniStack marks a task stopped first and kills its containers at once. Here StopTask answers at once, too, but with the
task on its way down (DEACTIVATING, STOPPING); it is STOPPED only when its containers are.
Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-lifecycle-explanation.html
"""

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from localcloud.extension.ecs_options import stop_timeout_s
from localcloud.extension.emulator import module, replace

log = logging.getLogger("localcloud.ecs")

POLL_S = 0.05
LOGS_S = 5.0
LONGEST_DRAIN_S = 3605.0  # a little over AWS's longest deregistration delay; the data plane ends it, not this


class TaskStopper:
    """Stops tasks of MiniStack's ECS module; BUSY tells whether the load balancers still use an address."""

    def __init__(self, ecs: Any, busy: Callable[[str], bool]) -> None:
        self._ecs = ecs
        self._busy = busy
        self._concurrency = module("core.concurrency")
        self._scope = module("core.responses").request_scope

    def install(self) -> None:
        """Put StopTask, and every stop by the service scheduler, in our hands."""
        replace(self._ecs, "_stop_task", lambda data: self.stop_task(data, "ServiceSchedulerInitiated"))
        self._ecs._ACTION_MAP["StopTask"] = lambda data: self.stop_task(data, "UserInitiated")

    def stop_task(self, data: dict[str, Any], code: str) -> Any:
        """The StopTask action, and what the scheduler calls with its own reason; CODE says which of them it was."""
        ecs = self._ecs
        cluster = ecs._resolve_cluster_name(data.get("cluster", "default"))
        if cluster is None:
            return ecs.error_response_json("ClusterNotFoundException", "Cluster not found.", 400)
        task = ecs._resolve_task(data.get("task", ""), cluster)
        if not task:
            return ecs.error_response_json("InvalidParameterException", "The referenced task was not found.", 400)
        self.begin(task, data.get("reason", "Task stopped by user"), code)
        return ecs.json_response({"task": ecs._sanitize(task)})

    def begin(self, task: dict[str, Any], reason: str, code: str) -> bool:
        """Send TASK on its way down, in a thread of its own; False when it already was."""
        ecs, arn = self._ecs, task["taskArn"]
        with self._concurrency.resource_lock("ecs-task", arn):
            if not ecs._task_is_active(arn, task):
                return False
            ecs._bump_task_version(task)
            task |= {"desiredStatus": "STOPPED", "lastStatus": "DEACTIVATING", "stoppingAt": ecs._iso()}
            task |= {"stoppedReason": reason, "stopCode": code}
        self._tell(task)
        account, region = ecs.get_account_id(), ecs.get_region()
        threading.Thread(target=self._finish, args=(task, account, region), daemon=True, name="localcloud-stop").start()
        return True

    def _tell(self, task: dict[str, Any]) -> None:
        """Let metadata, counts and target groups follow the task, whose targets go when it is not RUNNING."""
        ecs = self._ecs
        ecs.ecs_metadata.set_task_status(task["taskArn"], known_status=task["lastStatus"], desired_status="STOPPED")
        if cluster := ecs._cluster_name_from_arn(task.get("clusterArn", "")):
            ecs._recount_cluster(cluster)
            ecs._refresh_service_state(cluster, task.get("group", ""))

    def _finish(self, task: dict[str, Any], account: str, region: str) -> None:
        with self._scope(account, region):
            try:
                self._drain(task)
                task["lastStatus"] = "STOPPING"
                self._stop_containers(task)
            except Exception:
                log.exception("task %s could not be stopped cleanly", task["taskArn"])
            finally:
                self._stopped(task)

    def _drain(self, task: dict[str, Any]) -> None:
        address = self._ecs._task_ip(task)
        deadline = time.monotonic() + LONGEST_DRAIN_S
        while address and self._busy(address) and time.monotonic() < deadline:
            time.sleep(POLL_S)

    def _stop_containers(self, task: dict[str, Any]) -> None:
        client = self._ecs._get_docker()
        definition = self._ecs._task_defs.get(self._ecs._resolve_td_key(task["taskDefinitionArn"])) or {}
        definitions = {one["name"]: one for one in definition.get("containerDefinitions", ())}
        stopping = [
            threading.Thread(target=self._stop_container, args=(client, identifier, task, index, definitions))
            for index, identifier in enumerate(list(task.get("_docker_ids") or ()))
        ]
        for thread in stopping:
            thread.start()
        for thread in stopping:
            thread.join()

    def _stop_container(self, client: Any, identifier: str, task: dict[str, Any], index: int, definitions: Any) -> None:
        from docker.errors import NotFound

        record = task["containers"][index] if index < len(task["containers"]) else {}
        try:
            container = client.containers.get(identifier)
            container.stop(timeout=stop_timeout_s(definitions.get(record.get("name"), {})))
            record["exitCode"] = container.wait(timeout=10)["StatusCode"]
        except NotFound:
            record["exitCode"] = record.get("exitCode", 137)
        task["executionStoppedAt"] = self._ecs._iso()
        await_logs(task["taskArn"])

    def _stopped(self, task: dict[str, Any]) -> None:
        ecs = self._ecs
        ecs._bump_task_version(task)
        task |= {"lastStatus": "STOPPED", "stoppedAt": ecs._iso()}
        for record in task["containers"]:
            record["lastStatus"] = "STOPPED"
        ecs.ecs_metadata.set_all_container_status(task["taskArn"], "STOPPED")
        self._tell(task)
        ecs._cleanup_task_resources(task, ecs._get_docker())


def await_logs(task_arn: str) -> None:
    """Wait for the last lines of a stopped task to reach its log group; a removed container has none."""
    prefix = f"ministack-ecs-awslogs-{task_arn.rsplit('/', 1)[-1][:8]}"
    for thread in threading.enumerate():
        if thread.name.startswith(prefix):
            thread.join(LOGS_S)
