"""Notice the end of a task's containers the moment it happens, and follow their health checks.

MiniStack asks the engine ten times a second about every container; waiting on the engine costs nothing. A container
that was removed behind our back counts as killed (137): MiniStack would show it running for ever.
"""

import threading
import time
from collections.abc import Callable
from typing import Any

from localcloud.extension.emulator import module, replace

HEALTH_PERIOD_S = 1.0
AFTER_FAILURE_S = 1.0
VANISHING_S = 0.1
KILLED = 137


class TaskWatcher:
    """Watches the containers of running tasks; CHANGED is called whenever a task's state may have changed."""

    def __init__(self, ecs: Any, changed: Callable[[], None]) -> None:
        self._ecs = ecs
        self._changed = changed
        self._scope = module("core.responses").request_scope
        self.stopping = threading.Event()

    def install(self) -> None:
        """Take the place of MiniStack's polling watcher."""
        start, bump = self._ecs._start_task_worker, self._ecs._bump_task_version

        def start_task_worker(task: dict[str, Any], td: dict[str, Any], *args: Any) -> None:
            task["_awaits_health"] = any(one.get("healthCheck") for one in td.get("containerDefinitions", ()))
            start(task, td, *args)

        def bump_task_version(task: dict[str, Any]) -> None:
            bump(task)
            self._changed()

        replace(self._ecs, "_start_task_worker", start_task_worker)
        replace(self._ecs, "_bump_task_version", bump_task_version)
        replace(self._ecs, "_watch_task_lifecycle", self.watch)

    def watch(self, task: dict[str, Any], client: Any, account: str, region: str) -> None:
        """Start a thread for each container of TASK, and one for its health if it has a check."""
        for identifier in list(task.get("_docker_ids") or ()):
            self._start(self._await_exit, task, client, identifier, account, region)
        if task.get("_awaits_health"):
            self._start(self._follow_health, task, client, "", account, region)

    def _start(self, work: Callable[..., None], *arguments: Any) -> None:
        threading.Thread(target=work, args=arguments, daemon=True, name="localcloud-watch").start()

    def _active(self, task: dict[str, Any]) -> bool:
        return bool(self._ecs._task_is_active(task["taskArn"], task)) and not self.stopping.is_set()

    def _await_exit(self, task: dict[str, Any], client: Any, identifier: str, account: str, region: str) -> None:
        from docker.errors import DockerException, NotFound
        from requests.exceptions import RequestException

        with self._scope(account, region):
            while self._active(task):
                try:
                    client.api.wait(identifier, timeout=None)
                except NotFound:
                    self._lost(task, client)
                    return
                except (DockerException, RequestException):  # the engine restarts: the container may still run
                    time.sleep(AFTER_FAILURE_S)
                    continue
                if self._active(task):
                    self._ecs._maybe_mark_stopped(task, client)
                if self._active(task) and self._vanishing(client, identifier):
                    time.sleep(VANISHING_S)
                    continue
                return

    def _vanishing(self, client: Any, identifier: str) -> bool:
        """Whether it was killed and removed in one, which leaves no exit code to find and ends in NotFound."""
        from docker.errors import DockerException, NotFound

        try:
            return client.api.inspect_container(identifier)["State"]["Status"] in {"removing", "dead"}
        except NotFound:
            return True
        except DockerException:
            return False

    def _lost(self, task: dict[str, Any], client: Any) -> None:
        if self._active(task):
            reason = "Essential container in task exited: it was removed from outside"
            self._ecs._mark_task_stopped(task["taskArn"], task, reason, "EssentialContainerExited", exit_code=KILLED)
            self._ecs._cleanup_task_resources(task, client)

    def _follow_health(self, task: dict[str, Any], client: Any, _: str, account: str, region: str) -> None:
        with self._scope(account, region):
            while self._active(task):
                found = [self._health(client, identifier) for identifier in list(task.get("_docker_ids") or ())]
                checked = [one for one in found if one]
                if "unhealthy" in checked:
                    task["healthStatus"] = "UNHEALTHY"
                elif checked and all(one == "healthy" for one in checked):
                    task["healthStatus"] = "HEALTHY"
                for record, one in zip(task["containers"], found, strict=False):
                    record["healthStatus"] = {"healthy": "HEALTHY", "unhealthy": "UNHEALTHY"}.get(one, "UNKNOWN")
                time.sleep(HEALTH_PERIOD_S)

    def _health(self, client: Any, identifier: str) -> str:
        """Docker's word for the health of one container, empty when it has no check or is gone."""
        from docker.errors import DockerException

        try:
            state = client.api.inspect_container(identifier)["State"]
        except DockerException:
            return ""
        return str((state.get("Health") or {}).get("Status", ""))
