"""What the host side makes of an engine that does not do what it should; what it does otherwise is a contract test."""

from __future__ import annotations

import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from docker.errors import APIError, NotFound

from localcloud.cloud import LocalCloud
from localcloud.errors import EngineRefused

NAME = "indivillage-cloud-x"


@pytest.fixture(autouse=True)
def own_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Locks where no other process has any."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


class Network:
    """A network that the engine, saying WHY, does not remove; INSIDE are the names of the containers in it.

    One that is GONE has been removed by somebody else a moment later.
    """

    def __init__(self, why: str, inside: tuple[str, ...], *, gone: bool = False) -> None:
        self.name = NAME
        self._why = why
        self._inside = inside
        self._gone = gone
        self.attrs: dict[str, Any] = {"Containers": {}}  # as a listing has it

    def reload(self) -> None:
        if self._gone:
            raise NotFound("no such network")
        self.attrs = {"Containers": {f"id of {name}": {"Name": name} for name in self._inside}}

    def remove(self) -> None:
        raise APIError("403", explanation=self._why)


def cloud(*networks: Network) -> LocalCloud:
    """A cloud of which nothing is left but NETWORKS."""

    def none(**_: Any) -> list[Any]:
        return []

    engine: Any = SimpleNamespace(
        containers=SimpleNamespace(list=none),
        volumes=SimpleNamespace(list=none),
        networks=SimpleNamespace(list=lambda **_: list(networks)),
    )
    return LocalCloud(engine, NAME, ())


def test_a_network_of_which_the_engine_lost_count_is_told_and_not_counted_as_removed() -> None:
    """It refuses for containers that are not there; only its restart helps, and nobody is kept from going on."""
    told: list[str] = []
    assert () == cloud(Network(f"network {NAME} id 0a has active endpoints", ())).down(told.append)
    (line,) = told
    assert f"network {NAME}: nothing is in it" in line
    assert "restart the engine" in line


def test_a_network_that_is_in_use_is_an_error_that_names_who_uses_it() -> None:
    """The engine says the same of both; what it knows to be inside decides."""
    with pytest.raises(EngineRefused, match="still in it: one, two") as caught:
        cloud(Network(f"network {NAME} id 0a has active endpoints", ("two", "one"))).down()
    assert NAME in caught.value.attempted


def test_what_somebody_else_removes_meanwhile_is_gone() -> None:
    """It is as gone as it should be."""
    assert (NAME,) == cloud(Network(f"network {NAME} id 0a has active endpoints", (), gone=True)).down()


def test_any_other_refusal_stays_one() -> None:
    """Nothing is known of it, so nothing is said to be harmless."""
    with pytest.raises(EngineRefused, match="cannot remove network"):
        cloud(Network("cannot remove network", ())).down()
