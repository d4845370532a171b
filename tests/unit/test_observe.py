"""`inv logs`, `inv shell`, `inv db.console`: what they ask of whom, and what they refuse."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from deployer import observe
from deployer.aws.log_events import LogLine
from deployer.errors import InputError, NotAllowed, Unreachable
from deployer.model import Environment, Secret
from deployer.tools import foreground
from tests.examples import ENVIRONMENT, NOW, TOPOLOGY

LINE = LogLine(NOW, "backend", "blue/backend/1", "hello")


class Logs:
    """Two lines, and when they were asked for."""

    def __init__(self) -> None:
        self.begin = NOW

    def since(self, begin: datetime) -> Iterator[LogLine]:
        self.begin = begin
        return iter([LINE])

    def follow(self, begin: datetime) -> Iterator[LogLine]:
        self.begin = begin
        return iter([LINE, replace(LINE, message="more")])


class View:
    """An environment that answers from memory."""

    def __init__(self, environment: Environment = ENVIRONMENT, task: dict[str, object] | None = None) -> None:
        self.environment = environment
        self.topology = TOPOLOGY
        self.platform = SimpleNamespace(name="cloud") if environment.cloud == "local" else None
        self.events = Logs()
        self.services: tuple[str, ...] = ()
        self._task = task or {}

    def log_events(self, services: tuple[str, ...]) -> Logs:
        self.services = services
        return self.events

    def running_task(self, service: str) -> dict[str, object]:
        return {"taskArn": f"arn:{service}", **self._task}


@pytest.fixture
def view(monkeypatch: pytest.MonkeyPatch) -> View:
    view = View()
    use(monkeypatch, view)
    return view


def use(monkeypatch: pytest.MonkeyPatch, view: View) -> None:
    monkeypatch.setattr(observe, "view", lambda *_: view)


def logs(**options: Any) -> int:
    given = {"cloud": None, "service": "", "since": "10m", "follow": False, "as_json": False}
    return observe.logs("dev", **(given | options))


def test_logs_are_the_answer(view: View, capsys: pytest.CaptureFixture[str]) -> None:
    """Time, service, line; of both services, from ten minutes ago."""
    assert 0 == logs()

    assert ("05:06:07 backend  hello\n", "") == capsys.readouterr()
    assert ("backend", "frontend") == view.services
    assert timedelta(minutes=10) <= datetime.now(UTC) - view.events.begin < timedelta(minutes=11)


def test_logs_of_one_service_for_programs(view: View, capsys: pytest.CaptureFixture[str]) -> None:
    """One object a line, so that a reader need not wait for the end."""
    logs(service="backend", as_json=True, follow=True)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    assert (["hello", "more"], ("backend",)) == ([line["message"] for line in lines], view.services)
    assert {"time", "service", "stream", "message"} == set(lines[0])


@pytest.mark.parametrize("since", ["", "10", "x", "-5m", "1.5h", "999999d", "5 m"])
def test_a_length_of_time_that_is_none_is_told(view: View, since: str) -> None:
    """With examples of what is."""
    with pytest.raises(InputError, match="no length of time") as caught:
        logs(since=since)

    assert "10m" in caught.value.hint


@pytest.mark.parametrize(("since", "seconds"), [("90s", 90), ("2h", 7200), ("1d", 86400)])
def test_lengths_of_time(since: str, seconds: int) -> None:
    assert timedelta(seconds=seconds) == observe.duration(since)


def test_further_back_than_time_itself(view: View) -> None:
    """CloudWatch begins in 1970."""
    logs(since="99999d")

    assert datetime(1970, 1, 1, tzinfo=UTC) == view.events.begin


@pytest.mark.parametrize("command", [lambda: logs(service="database"), lambda: shell(service="database")])
def test_a_service_that_is_none_is_told(view: View, command: Any) -> None:
    """With those that are."""
    with pytest.raises(InputError, match="no service 'database'") as caught:
        command()

    assert "--service=backend or frontend" == caught.value.hint


class Containers:
    """Notes what was run, and whether a terminal was wanted."""

    def __init__(self) -> None:
        self.terminal = False
        self.ran: list[object] = []

    def enter(self, *what: object) -> int:
        self.ran.append(what)
        return 3

    def psql(self, *what: object) -> int:
        self.ran.append(what)
        return 1


@pytest.fixture
def containers(monkeypatch: pytest.MonkeyPatch) -> Containers:
    made = Containers()

    def make(_: object, *, terminal: bool) -> Containers:
        made.terminal = terminal
        return made

    monkeypatch.setattr(observe, "_containers", make)
    return made


def shell(**options: Any) -> int:
    return observe.shell("dev", **({"cloud": None, "service": "backend", "command": ""} | options))


@pytest.mark.parametrize(("sits", "command", "terminal"), [(True, "", True), (True, "id", False), (False, "", False)])
def test_a_terminal_for_a_shell_only(
    view: View, containers: Containers, monkeypatch: pytest.MonkeyPatch, sits: bool, command: str, terminal: bool
) -> None:
    """A command's output is data: a terminal would change it. Its exit code is ours."""
    monkeypatch.setattr(observe.console, "is_terminal", lambda: sits)

    assert 3 == shell(command=command)
    ((task, service, words),) = containers.ran  # type: ignore[misc]
    assert (terminal, "arn:backend", "backend", "sh") == (containers.terminal, task, service, words[0])  # type: ignore[has-type]
    assert not command or words[-1] == command  # type: ignore[has-type]


AWS = replace(ENVIRONMENT, cloud="aws")


def test_a_shell_in_production_on_aws_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit 3, with what to use instead."""
    use(monkeypatch, View(replace(AWS, short_name="prod")))
    with pytest.raises(NotAllowed, match="nobody would know") as caught:
        shell()

    assert "inv logs" in caught.value.hint


@pytest.mark.parametrize("missing", ["aws", "session-manager-plugin"])
def test_a_program_that_ecs_exec_needs_is_named(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    """Exit 30, before anything is asked of AWS."""
    use(monkeypatch, View(AWS))

    def find(program: str, _: object, attempted: str, install: str) -> str:
        if program == missing:
            raise Unreachable(attempted, f"there is no program {program}", install)
        return f"/bin/{program}"

    monkeypatch.setattr(foreground, "find", find)
    with pytest.raises(Unreachable, match=missing) as caught:
        shell()

    assert "install" in caught.value.hint


def test_ecs_exec_is_what_a_shell_is_on_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    """The task by its ARN; the command as one argument, quoted."""
    use(monkeypatch, View(AWS, {"enableExecuteCommand": True}))
    ran: list[list[str]] = []
    monkeypatch.setattr(foreground, "find", lambda program, *_: f"/bin/{program}")
    monkeypatch.setattr(foreground, "run", lambda argv, _: ran.append(argv) or 0)

    assert 0 == shell(command="id; ls '/a b'")
    assert ["/bin/aws", "ecs", "execute-command"] == ran[0][:3]
    assert ("arn:backend", "indivillage-dev") == tuple(ran[0][ran[0].index(f) + 1] for f in ("--task", "--cluster"))
    assert """sh -c 'id; ls '"'"'/a b'"'"''""" == ran[0][-1]


def test_a_task_without_ecs_exec_says_what_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    """AWS's own words would be about a TargetNotConnectedException."""
    use(monkeypatch, View(AWS))
    monkeypatch.setattr(foreground, "find", lambda program, *_: f"/bin/{program}")
    with pytest.raises(InputError, match="ECS Exec is off") as caught:
        shell()

    assert "enable_execute_command" in caught.value.hint


@pytest.mark.parametrize("env", ["staging", "prod", "production"])
def test_the_console_is_devs_alone(env: str) -> None:
    """Exit 3, with the reason; whatever cloud it is on."""
    with pytest.raises(NotAllowed, match="only dev has a console") as caught:
        observe.db_console(env, command="", database="")

    assert 3 == caught.value.exit_code


def test_the_console_of_a_dev_on_aws_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no way to it from here."""
    monkeypatch.setattr(observe.config, "load", lambda *_: AWS)
    with pytest.raises(NotAllowed, match="no way in"):
        observe.db_console("dev", command="", database="")


@pytest.mark.parametrize(
    ("command", "database", "arguments", "name"),
    [
        ("select 1", "", ["--no-psqlrc", "--set=ON_ERROR_STOP=1", "--command=select 1"], "indivillage"),
        ("", "mine", [], "mine"),
    ],
)
def test_the_console_is_psql_on_the_dev_database(
    containers: Containers,
    monkeypatch: pytest.MonkeyPatch,
    command: str,
    database: str,
    arguments: list[str],
    name: str,
) -> None:
    """Psql's exit code is ours; the password goes its own way."""
    site = SimpleNamespace(
        deployed=lambda _: TOPOLOGY,
        credentials=lambda _: ({"PGDATABASE": "indivillage"}, Secret("x")),
        local=SimpleNamespace(platform=None),
    )
    monkeypatch.setattr(observe.config, "load", lambda *_: ENVIRONMENT)
    monkeypatch.setattr(observe, "DevSite", lambda *_: site)
    monkeypatch.setattr(observe, "local_site", lambda *_: None)

    assert 1 == observe.db_console("dev", command=command, database=database)
    assert [({"PGDATABASE": name}, Secret("x"), arguments)] == containers.ran
