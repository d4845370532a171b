"""Into a task's container, and psql beside the databases: by docker's command line, no password in argv."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from deployer.errors import InputError, Unreachable
from deployer.model import Secret
from deployer.tools.task_containers import TaskContainers
from tests.unit.tools.containers import Containers
from tests.unit.tools.engine import program

CLOUD = "indivillage-cloud-1"
TASK = "arn:aws:ecs:ap-south-1:000000000000:task/indivillage-dev/1"


@pytest.fixture
def engine() -> Containers:
    """A cloud with one task."""
    engine = Containers()
    engine.create("x", name=CLOUD, labels={}, env=["A=1", "LOCALCLOUD_POSTGRES=indivillage/postgres:1"])
    labels = {"com.amazonaws.ecs.task-arn": TASK, "com.amazonaws.ecs.container-name": "backend"}
    engine.create("x", name="task", labels={**labels, "com.indivillage.localcloud": CLOUD})
    return engine


def containers(engine: Containers, folder: Path, *, terminal: bool = False) -> TaskContainers:
    """With a docker that writes down its arguments and the password it was given."""
    note = folder / "docker.arguments"
    program(folder, "docker", f'printf "%s\\n" "$@" > "{note}"; echo "$PGPASSWORD" > "{note}.password"; exit 5')
    environ = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}
    return TaskContainers(engine, CLOUD, environ, terminal=terminal)  # type: ignore[arg-type]


@pytest.mark.parametrize(("terminal", "flags"), [(False, ["--interactive"]), (True, ["--interactive", "--tty"])])
def test_a_command_runs_in_the_tasks_container(
    engine: Containers, tmp_path: Path, terminal: bool, flags: list[str]
) -> None:
    """Its exit code is the answer; a terminal is asked for only where there is one."""
    assert 5 == containers(engine, tmp_path, terminal=terminal).enter(TASK, "backend", ("sh", "-c", "id; true"))

    said = (tmp_path / "docker.arguments").read_text(encoding="utf-8").splitlines()
    assert ["exec", *flags, "id-1", "sh", "-c", "id; true"] == said


def test_a_task_that_is_gone_is_told(engine: Containers, tmp_path: Path) -> None:
    """It was replaced between the question and the answer."""
    with pytest.raises(InputError, match="does not run any more"):
        containers(engine, tmp_path).enter(TASK, "frontend", ("id",))


def test_psql_gets_its_password_by_environment_alone(engine: Containers, tmp_path: Path) -> None:
    """In the cloud's network, of the cloud's own image."""
    inside = containers(engine, tmp_path)

    assert 5 == inside.psql({"PGHOST": "db", "PGUSER": "u"}, Secret("hunter2"), ["--command=select 1"])

    said = (tmp_path / "docker.arguments").read_text(encoding="utf-8")
    assert "hunter2" not in said
    assert "hunter2\n" == (tmp_path / "docker.arguments.password").read_text(encoding="utf-8")
    assert "--env\nPGHOST\n--env\nPGUSER\n--env\nPGPASSWORD\nindivillage/postgres:1\npsql\n--command=select 1\n" in said
    assert f"--network\n{CLOUD}\n" in said


def test_without_a_cloud_there_is_no_console(engine: Containers, tmp_path: Path) -> None:
    """And the way to one is said."""
    engine.there.clear()
    with pytest.raises(InputError, match="the local cloud does not run") as caught:
        containers(engine, tmp_path).psql({}, Secret("x"), [])

    assert "inv cloud.up" == caught.value.hint


def test_without_docker_the_package_is_named(engine: Containers, tmp_path: Path) -> None:
    """Exit 30."""
    inside = TaskContainers(engine, CLOUD, {"PATH": str(tmp_path)}, terminal=False)  # type: ignore[arg-type]
    with pytest.raises(Unreachable, match="no program docker"):
        inside.enter(TASK, "backend", ("id",))
