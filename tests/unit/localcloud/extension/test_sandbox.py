"""When a sandbox is taken, made, replaced and removed, against an engine that has only those."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from docker.errors import APIError, NotFound

from localcloud.extension.ecs_sandbox import joined
from localcloud.extension.sandbox import REFILL_S, SPARES, Sandbox, SandboxPool

HOME = ("cloud", ())


class Engine:
    """An engine of sandboxes: its own client, its `containers` and its `api`."""

    def __init__(self) -> None:
        self.there: dict[str, threading.Event] = {}
        self.names: dict[str, str] = {}
        self.made = 0
        self.refuses = ""
        self.containers = self.api = self

    def create(self, *, name: str, network: str, extra_hosts: dict[str, str], **_: Any) -> Made:
        self.made += 1
        identifier = f"id{self.made}"
        self.there[identifier], self.names[identifier] = threading.Event(), name
        return Made(self, identifier, network)

    def inspect_container(self, identifier: str) -> dict[str, Any]:
        return {"State": {"Running": not self._get(identifier).is_set()}}

    def rename(self, identifier: str, name: str) -> None:
        self._get(identifier)
        self.names[identifier] = name

    def wait(self, identifier: str, timeout: None) -> None:
        self._get(identifier).wait(30)

    def remove_container(self, identifier: str, force: bool) -> None:
        if self.refuses == "remove":
            raise APIError("removal is already in progress")
        self._get(identifier).set()
        self.there.pop(identifier)

    def _get(self, identifier: str) -> threading.Event:
        if identifier not in self.there:
            raise NotFound("no such container")
        return self.there[identifier]


class Made:
    """A container of the engine."""

    def __init__(self, engine: Engine, identifier: str, network: str) -> None:
        self.engine, self.id, self.network = engine, identifier, network

    @property
    def attrs(self) -> dict[str, Any]:
        return {"NetworkSettings": {"Networks": {self.network: {"IPAddress": f"10.0.0.{self.id[2:]}"}}}}

    def start(self) -> None:
        if self.engine.refuses == "start":
            raise APIError("no space left on device")

    def reload(self) -> None:
        pass


class Case:
    """A pool, its engine, its clock, and the sandboxes whose end it told of."""

    def __init__(self) -> None:
        self.engine, self.now, self.told = Engine(), 100.0, list[str]()
        self.heard = threading.Event()
        self.pool = SandboxPool(lambda: self.engine, dict, "cloud", self._hear, clock=lambda: self.now)

    def _hear(self, identifier: str) -> None:
        self.told.append(identifier)
        self.heard.set()

    def fill(self) -> None:
        """Let the time pass until the spares are due, and tend once for each of them and once more."""
        self.now += REFILL_S
        for _ in range(SPARES + 1):
            self.pool.tend()


@pytest.fixture
def case() -> Iterator[Case]:
    """A pool of a cloud that has just started; everything in it ends with the test."""
    made = Case()
    yield made
    made.pool.end()
    for event in made.engine.there.values():
        event.set()


def test_nothing_is_made_before_the_first_is_taken(case: Case) -> None:
    """A cloud in which no task ran has no container for it."""
    case.fill()
    assert 0 == case.engine.made


def test_the_first_is_made_at_once_and_spares_only_after_a_moment(case: Case) -> None:
    """Nothing competes with the task that starts; then there are SPARES and no more."""
    assert Sandbox("id1", "10.0.0.1") == case.pool.take(HOME, "task.sandbox")
    case.now += REFILL_S - 0.1
    case.pool.tend()
    assert {"id1": "task.sandbox"} == case.engine.names
    case.fill()
    assert 1 + SPARES == case.engine.made


def test_a_spare_is_taken_and_named_after_its_task_before_it_is_replaced(case: Case) -> None:
    """Taking makes nothing and renames nothing; what comes later does both, the name first."""
    case.pool.take(HOME, "first")
    case.fill()
    assert "id2" == case.pool.take(HOME, "second").id
    assert 1 + SPARES == case.engine.made
    case.fill()
    assert ("first", "second") == (case.engine.names["id1"], case.engine.names["id2"])
    assert SPARES == sum("-spare-" in name for name in case.engine.names.values())


def test_a_dead_spare_is_passed_over_and_removed(case: Case) -> None:
    """However it died, the one that takes gets one that runs."""
    case.pool.take(HOME, "first")
    case.fill()
    case.engine.there["id2"].set()
    assert "id2" != case.pool.take(HOME, "second").id
    case.fill()
    assert "id2" not in case.engine.there


def test_another_network_or_hosts_file_gets_one_of_its_own(case: Case) -> None:
    """A spare has neither."""
    case.pool.take(HOME, "first")
    case.fill()
    case.pool.take(("cloud", (("host.docker.internal", "host-gateway"),)), "second")
    assert 2 + SPARES == case.engine.made


def test_who_loses_a_sandbox_is_told_and_who_drops_it_is_not(case: Case) -> None:
    """Dropping is no loss."""
    dropped, lost = case.pool.take(HOME, "first"), case.pool.take(HOME, "second")
    case.pool.drop(dropped.id)
    case.engine.there[lost.id].set()
    assert case.heard.wait(10)
    assert [lost.id] == case.told


def test_what_cannot_be_removed_is_removed_later(case: Case) -> None:
    """The engine was busy with it, or away."""
    taken = case.pool.take(HOME, "first")
    case.engine.refuses = "remove"
    case.pool.drop(taken.id)
    assert taken.id in case.engine.there
    case.engine.refuses = ""
    case.pool.tend()
    assert {} == case.engine.there


def test_what_cannot_be_started_is_not_left_behind(case: Case) -> None:
    """And the error is the caller's."""
    case.engine.refuses = "start"
    with pytest.raises(APIError):
        case.pool.take(HOME, "first")
    assert (1, {}) == (case.engine.made, case.engine.there)


def test_spares_that_fail_are_not_tried_again_at_once(case: Case) -> None:
    """Each attempt costs the engine something: one every REFILL_S."""
    case.pool.take(HOME, "first")
    case.engine.refuses = "start"
    case.now += REFILL_S
    with pytest.raises(APIError):
        case.pool.tend()
    case.pool.tend()
    assert 2 == case.engine.made


def test_nothing_is_made_at_the_end(case: Case) -> None:
    """The cloud stops: what it would make now nobody would remove."""
    case.pool.take(HOME, "first")
    case.pool.end()
    case.fill()
    assert 1 == case.engine.made


def test_what_docker_refuses_beside_anothers_network_is_left_out() -> None:
    """The rest stays as it was asked for."""
    wanted = {"network": "cloud", "ports": None, "extra_hosts": {"a": "b"}, "hostname": "x", "name": "n", "user": "1"}
    assert {"name": "n", "user": "1", "network_mode": "container:abc"} == joined(wanted, Sandbox("abc", "10.0.0.1"))
