"""The containers of the release, looked into: who runs there, what it may do, and what it must not hold."""

from __future__ import annotations

import json
import shlex
import time
from typing import TYPE_CHECKING

import pytest

from tests.containers.deployment import SECRET_NAME, USER_IN_URL, Deployment
from tests.containers.processes import Process, listening

if TYPE_CHECKING:
    from docker.models.containers import Container
    from testinfra.host import Host

pytestmark = pytest.mark.containers

USER = "10001"
LOCAL_KEY = "AWS_SECRET_ACCESS_KEY=test"
"""Stands in for the task role on the local cloud, which takes any key: no secret."""
PROGRAMS = {"backend": "python3 -m app", "frontend": "nginx: master process"}


def test_every_process_runs_as_the_unprivileged_user(running: list[list[Process]]) -> None:
    """PID 1 and all its children are user and group 10001, in every sense of the kernel."""
    for processes in running:
        assert 1 in {process.pid for process in processes}
        strangers = [p for p in processes if p.users != {USER} or p.groups != {USER}]
        assert [] == strangers


def test_program_runs(running: list[list[Process]], service: str) -> None:
    """The service's program is there; as PID 1 or below an init."""
    for processes in running:
        commands = [process.command for process in processes]
        assert any(PROGRAMS[service] in command for command in commands), commands


def test_no_capabilities(running: list[list[Process]]) -> None:
    """No process has a capability, nor can it get one."""
    for processes in running:
        held = {f"{p.pid} {name}": mask for p in processes for name, mask in p.capabilities.items() if mask}
        assert {} == held


def test_root_is_read_only(hosts: list[Host]) -> None:
    """Nothing outside /tmp can be written, not even by root of the image."""
    for host in hosts:
        root = next(
            line.split() for line in host.check_output("cat /proc/mounts").splitlines() if line.split()[1] == "/"
        )
        assert "ro" in root[3].split(",")
        folders = "/ /etc /app /site /var/lib /var/tmp /usr/local /run"
        script = (
            f"for folder in {folders}; do touch $folder/.smoke 2> /dev/null && echo $folder can be written; done; true"
        )
        assert "" == host.check_output(script)


def test_tmp_can_be_written(hosts: list[Host]) -> None:
    """/tmp is the one place for temporary files."""
    for host in hosts:
        assert host.run("touch /tmp/.smoke && rm /tmp/.smoke").succeeded


def test_only_the_service_port_listens(hosts: list[Host]) -> None:
    """8080 and nothing else: no debugger, no admin port."""
    for host in hosts:
        assert {8080} == listening(host)


def test_health_check_of_the_image_passes(
    hosts: list[Host], containers: list[Container], deployment: Deployment
) -> None:
    """The image has a HEALTHCHECK, and it passes when it is run in the container.

    ECS does not run it (it knows only health checks of the task definition), whoever runs the image by hand does.
    """
    for host, container in zip(hosts, containers, strict=True):
        image = deployment.engine.images.get(container.attrs["Image"])
        kind, *command = (image.attrs["Config"].get("Healthcheck") or {}).get("Test") or ["NONE"]
        assert kind in {"CMD", "CMD-SHELL"}
        line = command[0] if kind == "CMD-SHELL" else shlex.join(command)
        assert host.run(line).succeeded
        # Where the task definition has a health check of its own, the engine's verdict counts too.
        assert _health(container) in {"healthy", "not checked"}


def test_container_runs_the_image_of_the_release(
    containers: list[Container], deployment: Deployment, service: str
) -> None:
    """The image is named by digest, and it is the digest that the task definition says."""
    expected = deployment.service(service).digest
    assert expected.startswith("sha256:")
    for container in containers:
        assert expected == container.attrs["Config"]["Image"].partition("@")[2]
        image = deployment.engine.images.get(container.attrs["Image"])
        assert expected in {digest.partition("@")[2] for digest in image.attrs["RepoDigests"]}


def test_container_is_confined(containers: list[Container]) -> None:
    """Not privileged, on no host namespace, and nothing of the host is mounted."""
    for container in containers:
        host_config = container.attrs["HostConfig"]
        assert not host_config["Privileged"]
        assert "host" not in (host_config["NetworkMode"], host_config["PidMode"], host_config["IpcMode"])
        assert [] == [mount for mount in container.attrs["Mounts"] if mount["Type"] == "bind"]


def test_container_environment_is_the_task_definition(
    containers: list[Container], deployment: Deployment, service: str
) -> None:
    """What looks like a secret got there as one: ECS injected it, nobody wrote it down."""
    injected = set(deployment.service(service).secrets)
    for container in containers:
        environment = dict(entry.split("=", 1) for entry in container.attrs["Config"]["Env"] if entry != LOCAL_KEY)
        assert set() == {name for name in environment if SECRET_NAME.search(name)} - injected
        assert [] == [name for name, value in environment.items() if USER_IN_URL.search(value) and name not in injected]


def test_image_holds_no_secret(containers: list[Container], deployment: Deployment) -> None:
    """Neither the image's configuration nor its history has a secret's value or a variable that asks for one."""
    for container in containers:
        image = deployment.engine.images.get(container.attrs["Image"])
        config = image.attrs["Config"]
        text = json.dumps([config, image.history()])
        assert [] == deployment.secrets_in(text)
        assert [] == [entry for entry in config["Env"] or [] if SECRET_NAME.search(entry.split("=", 1)[0])]
        assert not USER_IN_URL.search(text)


def _health(container: Container) -> str:
    deadline = time.monotonic() + 30
    while True:
        health = str(container.attrs["State"].get("Health", {}).get("Status", "not checked"))
        if health != "starting" or time.monotonic() > deadline:
            return health
        time.sleep(0.2)
        container.reload()
