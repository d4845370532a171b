"""The rules that need no container: health, server slots, the rendered configuration, actions, ports, layers."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from localcloud.errors import PortTaken
from localcloud.extension import haproxy_config as config
from localcloud.extension import logs, state
from localcloud.extension.actions import forward_xml, with_forward
from localcloud.extension.blobs import Blobs
from localcloud.extension.ecs_options import options, stop_timeout_s
from localcloud.extension.elb import Action, HealthCheck, Listener, Rule, State, Target, TargetGroup
from localcloud.extension.engine import claim, database_name, ours
from localcloud.extension.gateway import may_write
from localcloud.extension.health import EAGER_S, HealthBook, TargetHealth, Verdict, after, matches
from localcloud.extension.slots import SETTLE_S, SlotTable
from localcloud.names import LABEL
from localcloud.ports import Ports, choose

HOW = HealthCheck(interval_s=10.0, healthy_after=3, unhealthy_after=2)
GOOD, BAD = Verdict(True), Verdict(False, "Target.Timeout", "Request timed out")
ONE, TWO = Target("10.0.0.1", 80), Target("10.0.0.2", 80)


def judged(*verdicts: Verdict, every_s: float = 10.0) -> TargetHealth:
    """The health of a target after these checks, one every EVERY_S seconds."""
    health = TargetHealth()
    for turn, verdict in enumerate(verdicts):
        health = after(turn * every_s, HOW, health, verdict)
    return health


@pytest.mark.parametrize(
    ("verdicts", "state"),
    [
        ([GOOD], "healthy"),
        ([BAD], "initial"),
        ([BAD, BAD], "unhealthy"),
        ([BAD, GOOD], "healthy"),
        ([GOOD, BAD], "healthy"),
        ([GOOD, BAD, GOOD, BAD], "healthy"),
        ([GOOD, BAD, BAD], "unhealthy"),
        ([GOOD, BAD, BAD, GOOD, GOOD], "unhealthy"),
        ([GOOD, BAD, BAD, GOOD, GOOD, GOOD], "healthy"),
    ],
)
def test_thresholds(verdicts: list[Verdict], state: str) -> None:
    """One success makes a new target healthy; after that the thresholds count, in a row."""
    assert state == judged(*verdicts).state


def test_a_starting_target_is_tried_often_but_fails_once_an_interval() -> None:
    """Ten failures within one interval of 10 s count as one; the reason is AWS's."""
    health = judged(*[BAD] * 10, every_s=0.25)
    assert ("initial", "Elb.InitialHealthChecking", -1) == (health.state, health.reason, health.row)
    assert health.next_at < 10 * 0.25 + 1
    assert "Target.Timeout" == judged(BAD, BAD).reason


def test_the_data_plane_is_told_when_to_come_again() -> None:
    """A target that starts is due within a fortieth of a second, one that nobody checks never is."""
    ended = threading.Event()
    answers = iter((BAD, GOOD))
    book = HealthBook(ended.set, lambda *_: next(answers), clock=lambda: 100.0)
    checked = TargetGroup("arn:blue", "blue", HOW, 10.0, (ONE,), in_use=True)
    unchecked = TargetGroup("arn:green", "green", HealthCheck(enabled=False), 10.0, (TWO,), in_use=True)

    assert book.due_in_s() == float("inf")
    book.tick(State((), (checked, unchecked)))
    # Its state stays initial but for the reason, so nobody is told: wait for the book itself.
    deadline = time.monotonic() + 10
    while book.due_in_s() == float("inf") and time.monotonic() < deadline:
        ended.wait(0.01)
    assert EAGER_S == pytest.approx(book.due_in_s())
    book.tick(State((), (unchecked,)))
    assert book.due_in_s() == float("inf")


@pytest.mark.parametrize(
    ("codes", "status", "good"),
    [("200", 200, True), ("200,302", 302, True), ("200-299", 204, True), ("200-299", 300, False), ("200", 503, False)],
)
def test_matcher(codes: str, status: int, *, good: bool) -> None:
    """A matcher is a list of codes and ranges."""
    assert good == matches(codes, status)


def group(*targets: Target, arn: str = "arn:blue", delay_s: float = 10.0) -> TargetGroup:
    """A target group in use."""
    return TargetGroup(arn, "blue", HealthCheck(enabled=False), delay_s, targets, in_use=True)


class Table:
    """A slot table on a clock of its own, all targets healthy."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slots = SlotTable(lambda: self.now)
        self.health = HealthBook(lambda: None)

    def turn(self, now: float, *targets: Target, flying: Mapping[tuple[str, str], int] | None = None) -> None:
        """One turn of the data plane at NOW."""
        self.now = now
        state = State((), (group(*targets),))
        self.health.tick(state)
        self.slots.update(state, self.health, flying or {})

    @property
    def modes(self) -> dict[int, str]:
        """Slot -> mode."""
        return {index: slot.mode for index, slot in self.slots.rendered()["arn:blue"].items()}


def test_a_deregistered_target_drains_until_nothing_is_in_flight() -> None:
    """It keeps its slot while a request is served, and frees it when none is and a moment has passed."""
    table, busy = Table(), {(config.backend("arn:blue"), "s0"): 1}
    table.turn(0, ONE, TWO)
    assert {0: "ready", 1: "ready"} == table.modes
    assert {("arn:blue", ONE), ("arn:blue", TWO)} == table.slots.serving()
    table.turn(1, TWO, flying=busy)
    table.turn(5, TWO, flying=busy)
    assert {("arn:blue", TWO)} == table.slots.serving()
    assert ({0: "drain", 1: "ready"}, [ONE], True) == (
        table.modes,
        table.slots.draining("arn:blue"),
        table.slots.busy(ONE.host),
    )
    table.turn(6, TWO)
    assert ({1: "ready"}, False) == (table.modes, table.slots.busy(ONE.host))


def test_draining_ends_with_the_deregistration_delay_and_never_at_once() -> None:
    """A request that outlasts the delay is cut off; one that chose the target a moment ago is not."""
    table, busy = Table(), {(config.backend("arn:blue"), "s0"): 1}
    table.turn(0, ONE)
    table.turn(1, flying={})
    assert {0: "drain"} == table.modes
    table.turn(1 + SETTLE_S / 2)
    assert {0: "drain"} == table.modes
    table.turn(2, ONE)
    assert {0: "ready"} == table.modes
    table.turn(3, flying=busy)
    table.turn(12.9, flying=busy)
    assert {0: "drain"} == table.modes
    table.turn(13, flying=busy)
    assert {} == table.modes


def listener(action: Action, port: int = 80, host: str = "a.alb.localhost") -> Listener:
    """A listener with one rule that always holds."""
    return Listener(f"arn:{host}", host, port, 60, (Rule(f"arn:rule:{host}", 1, (), action),))


def test_weights_become_cumulative_shares_and_are_not_structure() -> None:
    """A change of weights, or of their order, changes not one letter of the configuration, so there is no reload."""
    texts, shares = [], []
    for weights in ((1, 3), (0, 0), (999, 0)):
        action = Action("forward", tuple(zip(("arn:blue", "arn:green"), weights, strict=True)))
        state = State((listener(action),), (group(), group(arn="arn:green")))
        texts.append(config.render(state, {}, "/run", {"arn:blue": 8, "arn:green": 8}))
        shares += config.weights(state).values()
        turned = State((listener(Action("forward", action.weights[::-1])),), state.groups)
        texts.append(config.render(turned, {}, "/run", {"arn:blue": 8, "arn:green": 8}))
        assert config.weights(state) == config.weights(turned)
    assert ["250000:1000000", "0:0", "1000000:1000000"] == shares
    assert 1 == len(set(texts))


def test_what_users_write_cannot_leave_its_quotes() -> None:
    """A path pattern with quotes, blanks and line ends stays one word of the configuration."""
    rule = Rule("arn:r", 1, (("path-pattern", ("/it's\nhere x*",)),), Action("fixed-response", settings=()))
    text = config.render(State((Listener("arn:l", "a", 80, 60, (rule,)),), ()), {}, "/run", {})
    assert r"path -m reg -- '^/it'\''shere\ x.*$'" in text


def test_forward_config_is_parsed_and_printed() -> None:
    """Both forms of a forward are read; the typed one is answered."""
    raw = {
        "DefaultActions.member.1.ForwardConfig.TargetGroups.member.1.TargetGroupArn": ["arn:blue"],
        "DefaultActions.member.1.ForwardConfig.TargetGroups.member.1.Weight": ["80"],
        "DefaultActions.member.1.ForwardConfig.TargetGroups.member.2.TargetGroupArn": ["arn:green"],
    }
    parsed = with_forward(lambda *_: [{"Type": "forward"}], raw, "DefaultActions")
    assert [("arn:blue", 80), ("arn:green", 1)] == [
        (one["TargetGroupArn"], one["Weight"]) for one in parsed[0]["ForwardConfig"]["TargetGroups"]
    ]
    single = with_forward(lambda *_: [{"Type": "forward", "TargetGroupArn": "arn:x"}], {}, "Actions")[0]
    printed = forward_xml(lambda _: "<member><Type>forward</Type></member>", single)
    assert "<TargetGroupArn>arn:x</TargetGroupArn><Weight>1</Weight>" in printed
    assert printed.endswith("</ForwardConfig></member>")


def test_container_options() -> None:
    """What the project's task definitions ask for, and no image's own health check."""
    found = options(
        {
            "user": "10001:10001",
            "readonlyRootFilesystem": True,
            "linuxParameters": {"capabilities": {"drop": ["ALL"]}},
            "entryPoint": ["serve"],
            "mountPoints": [
                {"sourceVolume": "tmp", "containerPath": "/tmp"},
                {"sourceVolume": "host", "containerPath": "/h"},
            ],
        },
        {"volumes": [{"name": "tmp"}, {"name": "host", "host": {"sourcePath": "/srv"}}]},
    )
    assert found == {
        "user": "10001:10001",
        "read_only": True,
        "cap_drop": ["ALL"],
        "entrypoint": ["serve"],
        "tmpfs": {"/tmp": "mode=1777"},
        "healthcheck": {"test": ["NONE"]},
    }
    checked = options({"healthCheck": {"command": ["CMD", "true"], "interval": 7}}, {})["healthcheck"]
    assert (7_000_000_000, 3) == (checked["interval"], checked["retries"])
    assert (30, 5) == (stop_timeout_s({}), stop_timeout_s({"stopTimeout": 5}))


def test_containers_are_named_labelled_and_published_nowhere() -> None:
    """Two clouds cannot take each other's databases, and nobody else reaches them."""
    made: dict[str, Any] = {
        "Labels": {"ministack": "rds", "db_id": "main"},
        "HostConfig": {
            "PortBindings": {"5432/tcp": [{"HostPort": "15432"}]},
            "Binds": ["ministack-rds-x-data:/d:rw"],
            "NetworkMode": "mine",
        },
        "NetworkingConfig": {"mine": None},
    }
    assert ["mine-rds-x-data"] == claim(made, "mine")
    assert "mine" == made["Labels"][LABEL]
    assert {"Binds": ["mine-rds-x-data:/d:rw"], "NetworkMode": "mine"} == made["HostConfig"]
    assert {"mine": {"Aliases": ["main.rds.internal"]}} == made["NetworkingConfig"]["EndpointsConfig"]
    assert ("mine-ecs-1", "other", {"Id": "x"}) == (
        ours("ministack-ecs-1", "mine"),
        ours("other", "m"),
        ours({"Id": "x"}, "m"),
    )
    assert "cache.cache.internal" == database_name({"ministack": "elasticache", "rg_id": "cache", "node_group": "0001"})
    assert database_name({"ministack": "ecs"}) is None


def test_ports_make_way_for_other_clouds_and_for_nobody_else() -> None:
    """Ten up for another cloud; an error that names the container, or says another program."""
    assert Ports() == choose(set(), {}, lambda _: True)
    assert Ports(4586, 8100, 8101) == choose({4566, 8091}, {}, lambda _: True)
    with pytest.raises(PortTaken, match="the container web"):
        choose(set(), {8080: "web"}, lambda _: True)
    with pytest.raises(PortTaken, match="8081 is taken by another program"):
        choose(set(), {}, lambda port: port != 8081)


def test_layers_are_files_and_nothing_else_is(tmp_path: Path) -> None:
    """A digest is a file name; anything else never touches the disk."""
    blobs, digest = Blobs(tmp_path), f"sha256:{'0' * 64}"
    blobs[digest] = b"layer"
    assert (b"layer", [digest], True) == (Blobs(tmp_path)[digest], list(blobs), digest in blobs)
    assert "../../etc/passwd" not in blobs
    with pytest.raises(KeyError):
        blobs["../../etc/passwd"] = b""
    del blobs[digest]
    assert [] == list(tmp_path.iterdir())


def test_a_log_stream_keeps_its_last_lines_and_each_of_them_once() -> None:
    """Minutes of load would else make a state file of hundreds of megabytes, which is written again and again."""

    def append(stream: dict[str, Any], events: list[dict[str, Any]]) -> None:
        stream["events"].extend(events)
        module._log_records.update({event["eventId"]: event for event in events})

    groups = SimpleNamespace(all_items=list)
    module = SimpleNamespace(
        _append_log_events=append, _log_records={}, _log_events_lock=threading.Lock(), _log_groups=groups
    )
    logs.install(module)
    stream: dict[str, Any] = {"events": []}
    lengths = []
    for batch in range(30):
        module._append_log_events(stream, [{"eventId": f"{batch}-{line}", "message": ""} for line in range(100)])
        lengths.append(len(stream["events"]))

    assert {} == module._log_records
    assert logs.MOST_LINES <= lengths[-1] <= max(lengths) <= logs.MOST_LINES + logs.SLACK
    assert ("29-99", "29-98") == tuple(event["eventId"] for event in stream["events"][:-3:-1])


def test_streams_that_others_have_followed_keep_their_end() -> None:
    """A task's last lines say why it ended; all of its lines would be saved again with every line of its successors."""

    def append(stream: dict[str, Any], events: list[dict[str, Any]]) -> None:
        stream["events"].extend(events)
        stream["lastEventTimestamp"] = events[-1]["timestamp"]

    streams: dict[str, dict[str, Any]] = {}
    groups = SimpleNamespace(all_items=lambda: [("", {"streams": streams})])
    module = SimpleNamespace(
        _append_log_events=append, _log_records={}, _log_events_lock=threading.Lock(), _log_groups=groups
    )
    logs.install(module)
    for task in range(logs.WHOLE + 2):
        streams[str(task)] = {"events": [], "lastEventTimestamp": None}
        module._append_log_events(streams[str(task)], [{"timestamp": 10 * task, "n": n} for n in range(200)])
        # The first task still serves, and writes.
        module._append_log_events(streams["0"], [{"timestamp": 10 * task + 1, "n": -task}])

    lengths = [len(stream["events"]) for stream in streams.values()]
    assert [200 + logs.WHOLE + 2, logs.OLD_LINES, logs.OLD_LINES, *[200] * (logs.WHOLE - 1)] == lengths
    assert 199 == streams["1"]["events"][-1]["n"]


def test_state_is_saved_once_a_burst_is_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The save of a burst's first change would hold up the requests that follow."""
    monkeypatch.setattr(state, "PERIOD_S", 0.0)
    monkeypatch.setattr(state, "GATHER_S", 0.2)
    number, saved = 0, list[int]()

    def get_state() -> dict[str, int]:
        saved.append(number)
        return {"number": number}

    persistence = SimpleNamespace(STATE_DIR=str(tmp_path), _state_format_version=lambda _: 1, _json_default=str)
    saver = state.StateSaver(persistence, lambda: {"ecs": get_state})
    saver.start()
    try:
        for number in range(1, 6):  # noqa: B007 - get_state reads it
            saver.touch()
            time.sleep(0.01)
        until = time.monotonic() + 10
        while not saved or not saver.saved:
            assert time.monotonic() < until
            time.sleep(0.01)
    finally:
        saver.stop()
    assert [5] == saved


@pytest.mark.parametrize(
    ("method", "target", "writes"),
    [
        ("GET", "", False),
        ("PUT", "", True),
        ("POST", "", True),
        ("POST", "ECS.DescribeTasks", False),
        ("POST", "ECS.RunTask", True),
    ],
)
def test_which_requests_can_change_state(method: str, target: str, *, writes: bool) -> None:
    """Reading does not make the cloud save itself."""
    assert writes == may_write({"method": method, "path": "/", "headers": [(b"x-amz-target", target.encode())]})
