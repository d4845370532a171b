"""`inv logs`, `inv shell`, `inv db.console`: looking at what runs, and into it. They change nothing by themselves."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from deployer import config, console
from deployer.composition import local_site, stop_for_run
from deployer.dev_site import DevSite
from deployer.errors import InputError, NotAllowed
from deployer.model import SERVICES, Color, Environment, Topology
from deployer.reports import moment
from deployer.source import log_folder

if TYPE_CHECKING:
    from mypy_boto3_ecs.type_defs import TaskTypeDef

    from deployer.aws.log_events import LogEvents, LogLine
    from deployer.aws.session import Session
    from deployer.tools.local_cloud import LocalCloudPlatform
    from deployer.tools.task_containers import TaskContainers

ROOT = Path(__file__).resolve().parent.parent
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_AWS_PROGRAMS = {
    "aws": "install the AWS CLI, version 2",
    "session-manager-plugin": "install it (AWS Systems Manager User Guide, Session Manager plugin)",
}
_SHELL = ("sh", "-c", "command -v bash > /dev/null && exec bash || exec sh")


@dataclass(frozen=True)
class View:
    """One environment, as far as somebody who only looks needs it."""

    environment: Environment

    @cached_property
    def platform(self) -> LocalCloudPlatform | None:
        """The local cloud, when the environment is on it."""
        if self.environment.cloud != "local":
            return None
        return local_site(ROOT, log_folder(ROOT, "reading")).platform

    @cached_property
    def session(self) -> Session:
        """AWS clients."""
        from deployer.aws.session import Session

        endpoint_url = self.platform.endpoint_url if self.platform else None
        return Session(self.environment, endpoint_url=endpoint_url, root=ROOT)

    @cached_property
    def topology(self) -> Topology:
        """What Terraform made. Raises InputError when the environment was never applied."""
        from deployer.aws.topology import StoredTopology

        return StoredTopology(self.session, ROOT)()

    def log_events(self, services: tuple[str, ...]) -> LogEvents:
        """The log groups of these services."""
        from deployer.aws.log_events import LogEvents
        from deployer.tools.clock import SystemClock

        groups = {name: self.topology.services[name].log_group for name in services}
        return LogEvents(self.session, groups, SystemClock(stop_for_run().event))

    def running_task(self, service: str) -> TaskTypeDef:
        """The newest running task of the color that serves visitors. Raises InputError when there is none."""
        from deployer.aws.elbv2 import Elbv2
        from deployer.aws.tasks import Tasks
        from deployer.tools.clock import SystemClock

        weights = Elbv2(self.session, lambda: self.topology).weights()
        color = max(weights, key=lambda c: weights[c], default=Color.BLUE)
        place = self.topology.services[service].colors[color].service
        tasks = Tasks(self.session, SystemClock()).of_service(self.topology.cluster, place, "RUNNING")
        running = [task for task in tasks if task.get("lastStatus") == "RUNNING"]
        if not running:
            seen = f"no task of it runs in {self.environment.name}"
            raise InputError(f"enter {service}", seen, f"inv status --env={self.environment.short_name}")
        return max(running, key=lambda task: task["createdAt"])


def _containers(platform: LocalCloudPlatform, *, terminal: bool) -> TaskContainers:
    import docker
    from deployer.tools.docker_cli import reaching_engine
    from deployer.tools.task_containers import TaskContainers

    with reaching_engine("reach the Docker Engine"):
        return TaskContainers(docker.from_env(), platform.name, os.environ, terminal=terminal)


def view(env: str, cloud: str | None) -> View:
    """The environment called `env`."""
    return View(config.load(ROOT, env, cloud))


def logs(env: str, *, cloud: str | None, service: str, since: str, follow: bool, as_json: bool) -> int:
    """What the containers print, merged by time, on stdout; with `as_json` one object a line."""
    services = (known(service),) if service else SERVICES
    span = duration(since)
    seen = view(env, cloud)
    events = seen.log_events(services)
    begin = max(datetime.now(UTC) - span, datetime.fromtimestamp(0, UTC))
    _print(events.follow(begin) if follow else events.since(begin), as_json=as_json)
    return 0


def _print(lines: Iterable[LogLine], *, as_json: bool) -> None:
    for line in lines:
        if as_json:
            told = {"time": moment(line.at), "service": line.service, "stream": line.stream, "message": line.message}
            console.record(told)
        else:
            console.answer(f"{line.at:%H:%M:%S} {line.service:<8} {line.message}")


def shell(env: str, *, cloud: str | None, service: str, command: str) -> int:
    """A shell, or one command, in a running task; ends with its exit code."""
    seen = view(env, cloud)
    name = known(service)
    if seen.environment.cloud == "aws" and seen.environment.short_name == "prod":
        why = "a shell could change what was released, and nobody would know"
        raise NotAllowed("enter production on AWS", why, "inv logs --env=prod reads; inv rollback changes")
    words = ("sh", "-c", command) if command else _SHELL
    if seen.platform is None:
        return _on_aws(seen, name, words)
    task = seen.running_task(name)
    containers = _containers(seen.platform, terminal=not command and console.is_terminal())
    return containers.enter(task["taskArn"], name, words)


def _on_aws(seen: View, service: str, words: tuple[str, ...]) -> int:
    """ECS Exec, which needs two programs here and a task that was started with it."""
    from deployer.tools import foreground

    attempted = f"enter {service} in {seen.environment.name} on AWS"
    program, _ = (foreground.find(name, os.environ, attempted, how) for name, how in _AWS_PROGRAMS.items())
    task = seen.running_task(service)
    if not task.get("enableExecuteCommand"):
        hint = "it needs enable_execute_command on the ECS service and ssmmessages in the task role (docs/development)"
        raise InputError(attempted, "ECS Exec is off for this task", hint)
    command = [program, "ecs", "execute-command", "--region", seen.environment.region, "--interactive"]
    command += ["--cluster", seen.topology.cluster, "--task", task["taskArn"], "--container", service]
    return foreground.run([*command, "--command", shlex.join(words)], os.environ)


def db_console(env: str, *, command: str, database: str) -> int:
    """Psql on the dev environment's database; ends with psql's exit code. The password is neither shown nor in argv."""
    name = config.folder(env)
    attempted = f"open the database of {name}"
    if config.ENVIRONMENTS[name] != "dev":
        why = "only dev has a console: elsewhere data is personal, and changes go through migrations"
        raise NotAllowed(attempted, why, "inv db.console --env=dev")
    environment = config.load(ROOT, env)
    if environment.cloud != "local":
        raise NotAllowed(attempted, "on AWS the database has no way in from outside its VPC", "inv logs, inv migrate")
    logs_folder = log_folder(ROOT, "reading")
    site = DevSite(ROOT, logs_folder, environment, local_site(ROOT, logs_folder))
    connection, password = site.credentials(site.deployed(console.line))
    if database:
        connection["PGDATABASE"] = database
    # psql would read a start-up file unasked; ON_ERROR_STOP makes its exit code tell what happened.
    arguments = ["--no-psqlrc", "--set=ON_ERROR_STOP=1", f"--command={command}"] if command else []
    containers = _containers(site.local.platform, terminal=not command and console.is_terminal())
    return containers.psql(connection, password, arguments)


def known(service: str) -> str:
    """`service` if there is one of that name. Raises InputError."""
    if service in SERVICES:
        return service
    raise InputError("choose the service", f"there is no service {service!r}", f"--service={' or '.join(SERVICES)}")


def duration(text: str) -> timedelta:
    """`90s`, `10m`, `2h` or `1d`. Raises InputError.

    >>> duration("10m")
    datetime.timedelta(seconds=600)
    """
    found = re.fullmatch(r"(\d{1,5})([smhd])", text.strip())
    if not found:
        raise InputError("choose how far back", f"{text!r} is no length of time", "--since=90s, 10m, 2h or 1d")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})
