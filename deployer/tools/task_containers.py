"""The local cloud's tasks and databases as what they are: containers of the Docker Engine that can be entered.

Passwords go to the docker program by the name of a variable in its own environment, never as an argument that `ps`
would show.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from deployer.errors import InputError
from deployer.tools import foreground
from deployer.tools.docker_cli import reaching_engine
from localcloud.names import LABEL

if TYPE_CHECKING:
    from deployer.model import Secret
    from docker import DockerClient

_TASK = "com.amazonaws.ecs.task-arn"
_CONTAINER = "com.amazonaws.ecs.container-name"
_POSTGRES = "LOCALCLOUD_POSTGRES"
_INSTALL = "install docker's command line (Debian: docker.io or docker-cli)"


class TaskContainers:
    """Enters containers of the local cloud called `cloud`. `environ` is what docker is run with.

    `terminal` says that a person sits at both ends, so that programs are given one too.
    """

    def __init__(self, engine: DockerClient, cloud: str, environ: Mapping[str, str], *, terminal: bool) -> None:
        self._engine = engine
        self._cloud = cloud
        self._environ = environ
        self._terminal = terminal

    def enter(self, task_arn: str, container: str, command: Sequence[str]) -> int:
        """Run `command` in a container of a running task; returns its exit code. Raises InputError, Unreachable."""
        attempted = f"enter the {container} of task {task_arn.rsplit('/', 1)[-1]}"
        wanted = [f"{LABEL}={self._cloud}", f"{_TASK}={task_arn}", f"{_CONTAINER}={container}"]
        with reaching_engine(attempted):
            found = self._engine.containers.list(filters={"label": wanted})
        if not found:
            raise InputError(attempted, "its container does not run any more", "`inv status` says what runs; try again")
        return self._docker(["exec", *self._interactive(), str(found[0].id), *command], {})

    def psql(self, connection: Mapping[str, str], password: Secret, arguments: Sequence[str]) -> int:
        """Run psql beside the databases of the cloud. `connection` are libpq's PG* variables; returns psql's exit code.

        It runs in the image that the cloud's databases are of, so client and server are of one version.
        """
        variables = {**connection, "PGPASSWORD": password.reveal()}
        naming = [word for name in variables for word in ("--env", name)]
        command = ["run", "--rm", *self._interactive(), "--network", self._cloud, "--label", f"{LABEL}={self._cloud}"]
        # As nobody in particular: psql needs no rights in its container.
        command += ["--user", "10001:10001", "--cap-drop", "ALL", *naming, self._postgres(), "psql", *arguments]
        return self._docker(command, variables)

    def _interactive(self) -> list[str]:
        return ["--interactive", "--tty"] if self._terminal else ["--interactive"]

    def _docker(self, arguments: Sequence[str], variables: Mapping[str, str]) -> int:
        docker = foreground.find("docker", self._environ, "enter a container", _INSTALL)
        return foreground.run([docker, *arguments], {**self._environ, **variables})

    def _postgres(self) -> str:
        attempted = f"find the databases of {self._cloud}"
        with reaching_engine(attempted):
            found = self._engine.containers.list(filters={"name": f"^/?{self._cloud}$"})
            settings = found[0].attrs["Config"]["Env"] if found else []
        images = [str(value) for name, _, value in (entry.partition("=") for entry in settings) if name == _POSTGRES]
        if not images:
            raise InputError(attempted, "the local cloud does not run", "inv cloud.up")
        return images[0]
