"""What the Docker Engine has of a cloud's task networks, asked of the engine and not of the cloud."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localcloud.extension.sandbox import SPARES
from localcloud.names import LABEL, SANDBOX

if TYPE_CHECKING:
    from docker.models.containers import Container

    from docker import DockerClient


class Networks:
    """What the engine has of the cloud of that name: its sandboxes, and who joined them."""

    def __init__(self, engine: DockerClient, cloud: str) -> None:
        self._engine = engine
        self._cloud = cloud

    def sandboxes(self) -> set[str]:
        """The ids of all sandboxes, whatever their state."""
        return {str(one.id) for one in self._list(f"{SANDBOX}=true")}

    def of(self, task_arn: str) -> list[Container]:
        """The containers of a task."""
        return self._list(f"com.amazonaws.ecs.task-arn={task_arn}")

    def held(self) -> set[str]:
        """The sandboxes that a running container has joined."""
        running = [one for one in self._list("com.amazonaws.ecs.task-arn") if one.status == "running"]
        return {sandbox_of(one) for one in running} - {""}

    def spares(self) -> set[str]:
        """The ids of the sandboxes that are called spares; a taken one is renamed before it is replaced."""
        return {str(one.id) for one in self._list(f"{SANDBOX}=true") if f"{self._cloud}-ecs-spare-" in str(one.name)}

    def quiet(self) -> bool:
        """Whether all spares are there, and besides them the sandboxes of running tasks and nothing else.

        A spare that was just taken and is being removed still counts as one: ask for its end first, where that matters.
        """
        spares, held = self.spares(), self.held()
        running = {str(one.id) for one in self._list(f"{SANDBOX}=true") if one.status == "running"}
        return len(spares) == SPARES and not spares & held and self.sandboxes() == running == spares | held

    def get(self, identifier: str) -> Container:
        """The container of that id."""
        return self._engine.containers.get(identifier)

    def _list(self, label: str) -> list[Container]:
        wanted = {"label": [f"{LABEL}={self._cloud}", label]}
        return list(self._engine.containers.list(all=True, filters=wanted, ignore_removed=True))


def sandbox_of(container: Container) -> str:
    """The id of the container whose network it joined, empty if it has a network of its own."""
    kind, _, identifier = str(container.attrs["HostConfig"]["NetworkMode"]).partition(":")
    return identifier if kind == "container" else ""
