"""One network namespace for each task, as awsvpc gives it: the containers of a task meet on localhost, at one address.

On ECS a pause container of the agent holds the namespace, and the network interface is there before the containers
start; when it ends, the task is lost with its network. MiniStack gives each container a network of its own.
Source: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-networking-awsvpc.html
Tasks of other network modes stay as MiniStack makes them.
"""

import logging
import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from localcloud.extension.ecs_stop import await_logs
from localcloud.extension.emulator import module, replace
from localcloud.extension.engine import ours
from localcloud.extension.sandbox import Network, Sandbox, SandboxPool
from localcloud.names import SANDBOX

log = logging.getLogger("localcloud.sandbox")

PERIOD_S = 0.5
SWEEP = 20  # periods between two looks for sandboxes whose task ended without a word
KILLED = 137
LOST = "Essential container in task exited: the task's network was taken from outside"
JOINED = "container:"

# What Docker refuses for a container that joins another's network; the sandbox has it instead.
THE_SANDBOXES = {
    *("network", "networking_config", "mac_address", "ports", "links"),
    *("hostname", "domainname", "extra_hosts", "dns", "dns_search", "dns_opt"),
}


@dataclass(frozen=True, slots=True)
class Held:
    """The sandbox of one task, and the scope in which MiniStack finds the task."""

    sandbox: Sandbox
    account: str
    region: str


class TaskSandboxes:
    """Gives each awsvpc task of MiniStack's ECS module a sandbox in the network of the cloud INSTANCE."""

    def __init__(self, ecs: Any, instance: str) -> None:
        self._ecs = ecs
        self._instance = instance
        self._reaper = module("core.container_reaper")
        self._scope = module("core.responses").request_scope
        self._lock = threading.Lock()
        self._held: dict[str, Held] = {}
        self._suspects: set[str] = set()
        self._image = ""
        self._pool = SandboxPool(ecs._get_docker, self._options, instance, self._lost)
        self.end = self._pool.end

    def install(self) -> None:
        """Put the tasks' networks in our hands."""
        build, address = self._ecs._build_run_kwargs, self._ecs._container_ip
        clean = self._ecs._cleanup_task_resources

        def build_run_kwargs(
            cdef: Any, td: Mapping[str, Any], env: Any, bindings: Any, network: Any, host_mode: Any, task_id: Any,
            task_arn: str, *rest: Any,
        ) -> dict[str, Any]:  # fmt: skip
            wanted: dict[str, Any] = build(cdef, td, env, bindings, network, host_mode, task_id, task_arn, *rest)
            return self._join(task_arn, wanted) if td.get("networkMode") == "awsvpc" else wanted

        def cleanup_task_resources(task: dict[str, Any], client: Any, extra_container: Any = None) -> None:
            ended = [] if client else list(task.get("_docker_ids") or ())
            clean(task, client, extra_container)
            # Without a client MiniStack leaves the containers for their logs, even those that still run.
            self._stop(ended)
            self.release(task["taskArn"])

        replace(self._ecs, "_build_run_kwargs", build_run_kwargs)
        replace(self._ecs, "_container_ip", lambda container, network: self._address(container, network, address))
        replace(self._ecs, "_cleanup_task_resources", cleanup_task_resources)

    def start(self) -> None:
        """Start our thread; not before what an earlier run left behind is reaped."""
        threading.Thread(target=self._run, daemon=True, name="localcloud-sandboxes").start()

    def release(self, task_arn: str) -> None:
        """Remove the sandbox of a task whose containers have ended, if it has one."""
        with self._lock:
            held = self._held.pop(task_arn, None)
        if held:
            self._pool.drop(held.sandbox.id)

    def _run(self) -> None:
        turn = 0
        while not self._pool.ending.wait(PERIOD_S):
            turn += 1
            try:
                self._pool.tend()
                if turn % SWEEP == 0:
                    self._sweep()
            except Exception:
                log.exception("the tasks' sandboxes could not be tended; trying again")

    def _sweep(self) -> None:
        """Release what belongs to tasks that were over at the last look already: the others are being cleaned up."""
        tasks = {task["taskArn"] for _, task in self._ecs._tasks.all_items() if task.get("lastStatus") != "STOPPED"}
        with self._lock:
            over = set(self._held) - tasks
        for arn in over & self._suspects:
            self.release(arn)
        self._suspects = over

    def _join(self, task_arn: str, wanted: Mapping[str, Any]) -> dict[str, Any]:
        with self._lock:
            held = self._held.get(task_arn)
        if held is None:
            hosts = tuple(sorted((wanted.get("extra_hosts") or {}).items()))
            network: Network = (wanted.get("network") or self._instance, hosts)
            sandbox = self._pool.take(network, self._name(task_arn))
            held = Held(sandbox, self._ecs.get_account_id(), self._ecs.get_region())
            with self._lock:
                self._held[task_arn] = held
        return joined(wanted, held.sandbox)

    def _name(self, task_arn: str) -> str:
        """Beside the names of the task's containers, with a dot that theirs cannot have."""
        return str(ours(f"ministack-ecs-{task_arn.rsplit('/', 1)[-1][:8]}.sandbox", self._instance))

    def _address(self, container: Any, network: Any, otherwise: Callable[..., Any]) -> Any:
        mode = str((container.attrs.get("HostConfig") or {}).get("NetworkMode", ""))
        if not mode.startswith(JOINED):
            return otherwise(container, network)
        with self._lock:
            held = [one.sandbox.address for one in self._held.values() if one.sandbox.id == mode.removeprefix(JOINED)]
        return held[0] if held else None

    def _lost(self, identifier: str) -> None:
        """A sandbox ended by itself: its task has no network any more, so it is over and is replaced."""
        with self._lock:
            found = [(arn, held) for arn, held in self._held.items() if held.sandbox.id == identifier]
        for arn, held in found:
            with self._scope(held.account, held.region):
                task = self._ecs._tasks.get(arn)
                if task:
                    log.warning("%s: %s", arn, LOST)
                    self._ecs._mark_task_stopped(arn, task, LOST, "EssentialContainerExited", exit_code=KILLED)
                    self._stop(list(task.get("_docker_ids") or ()))
                    await_logs(arn)
                    self._ecs._cleanup_task_resources(task, self._ecs._get_docker())
            self.release(arn)

    def _stop(self, identifiers: list[str]) -> None:
        from docker.errors import DockerException

        for identifier in identifiers:
            try:
                self._ecs._get_docker().api.stop(identifier, timeout=5)
            except DockerException as error:
                log.info("container %s of an ended task: %s", identifier[:12], error)

    def _options(self) -> dict[str, Any]:
        """Image and labels: our own image is there for certain, and MiniStack reaps by the labels of its tasks."""
        if not self._image:
            self._image = self._ecs._get_docker().api.inspect_container(os.environ["HOSTNAME"])["Image"]
        return {"image": self._image, "labels": {**self._reaper.own_labels("ecs"), SANDBOX: "true"}}


def joined(wanted: Mapping[str, Any], sandbox: Sandbox) -> dict[str, Any]:
    """The arguments WANTED of docker-py's ``containers.run`` for a container in the network of SANDBOX."""
    kept = {name: value for name, value in wanted.items() if name not in THE_SANDBOXES}
    return kept | {"network_mode": f"{JOINED}{sandbox.id}"}
