"""The local cloud as a platform: its name, its ports, its images, its errors."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from deployer.errors import InputError, Unreachable
from deployer.model import BuiltImage
from deployer.tools import local_cloud
from deployer.tools.local_cloud import LocalCloudPlatform
from localcloud import readiness
from localcloud.cloud import CloudImages, Ports
from localcloud.errors import PortTaken
from localcloud.status import CloudStatus


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has moved the ports of these clouds, nor named an engine."""
    monkeypatch.delenv("LOCALCLOUD_PORT_OFFSET", raising=False)
    monkeypatch.delenv("DOCKER_HOST", raising=False)


class FakeCloud:
    """Stands in for LocalCloud; `error` is raised by `up`."""

    ports = Ports(1, 2, 3)
    error: Exception | None = None

    def __init__(self, name: str) -> None:
        self.name = name
        self.images: CloudImages | None = None
        self.wanted: list[Ports | None] = []

    def up(self, images: CloudImages, _: object) -> CloudStatus:
        if self.error:
            raise self.error
        self.images = images
        return CloudStatus(self.name, True, True, self.ports, ())


def build(name: str, *_: Any) -> BuiltImage:
    """Every image is there."""
    return BuiltImage(name, f"local/{name}:1", "sha256:1", 1, cached=True)


def platform(root: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[LocalCloudPlatform, FakeCloud]:
    """A platform on a fake cloud."""
    made = LocalCloudPlatform(root, ("x.alb.localhost",), build)
    cloud = FakeCloud(made.name)

    def asked(_: object, ports: Ports | None) -> FakeCloud:
        cloud.wanted.append(ports)
        return cloud

    monkeypatch.setattr(LocalCloudPlatform, "_cloud", asked)
    return made, cloud


def test_two_checkouts_have_two_clouds(tmp_path: Path) -> None:
    """The name follows the path and stays the same for it."""
    one, other = LocalCloudPlatform(tmp_path / "a", (), build), LocalCloudPlatform(tmp_path / "b", (), build)

    assert one.name == LocalCloudPlatform(tmp_path / "a", (), build).name
    assert one.name != other.name


def test_ready_builds_the_images_and_starts_the_cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each image goes where the cloud expects it."""
    made, cloud = platform(tmp_path, monkeypatch)

    assert f"{made.name} at http://127.0.0.1:1" == made.ready(lambda _: None)
    assert CloudImages("local/localcloud:1", "local/postgres:1", "local/redis:1") == cloud.images
    assert ("http://127.0.0.1:1", 2) == (made.endpoint_url, made.http_port)


def test_ports_are_decided_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Clients are made before the cloud is up; it must come up where they look, or not at all."""
    made, cloud = platform(tmp_path, monkeypatch)
    before = made.endpoint_url
    cloud.ports = Ports(9, 9, 9)  # another checkout came first meanwhile
    made.ready(lambda _: None)

    assert (before, Ports(1, 2, 3)) == (made.endpoint_url, cloud.wanted[-1])


def test_a_cloud_that_answers_by_its_name_is_not_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it was last, the cloud itself is asked; the Docker Engine is not."""
    first, _ = platform(tmp_path, monkeypatch)
    assert Ports(1, 2, 3) == first.ports

    again, cloud = platform(tmp_path, monkeypatch)
    monkeypatch.setattr(readiness, "name", {1: again.name}.get)

    assert (Ports(1, 2, 3), []) == (again.ports, cloud.wanted)


@pytest.mark.parametrize("answer", ["", "indivillage-cloud-of-another-checkout"])
def test_whoever_else_answers_there_is_not_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    """Ours has gone and another checkout's has come to its ports: two checkouts never meet."""
    first, _ = platform(tmp_path, monkeypatch)
    first.ports  # noqa: B018 - notes them

    again, cloud = platform(tmp_path, monkeypatch)
    cloud.ports = Ports(11, 12, 13)
    monkeypatch.setattr(readiness, "name", lambda _: answer)

    assert (Ports(11, 12, 13), [None]) == (again.ports, cloud.wanted)


@pytest.mark.parametrize(("variable", "value"), [("DOCKER_HOST", "tcp://elsewhere"), ("LOCALCLOUD_PORT_OFFSET", "30")])
def test_a_note_of_something_else_is_no_note(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    """Another engine has another cloud; ports that are asked for must be had, or it is an error."""
    first, _ = platform(tmp_path, monkeypatch)
    first.ports  # noqa: B018 - notes them

    again, cloud = platform(tmp_path, monkeypatch)
    monkeypatch.setattr(readiness, "name", lambda _: again.name)
    monkeypatch.setenv(variable, value)

    assert Ports(1, 2, 3) == again.ports
    assert 1 == len(cloud.wanted)


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"ports": 1, "engine": ""}', '{"ports": [1], "engine": ""}'])
def test_a_damaged_note_is_no_note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str) -> None:
    """The engine is asked, as if nothing had been noted."""
    (tmp_path / ".cache").mkdir()
    (tmp_path / ".cache" / "local-cloud.json").write_text(damage, encoding="utf-8")
    made, cloud = platform(tmp_path, monkeypatch)
    monkeypatch.setattr(readiness, "name", lambda _: made.name)

    assert (Ports(1, 2, 3), [None]) == (made.ports, cloud.wanted)


def test_what_the_cloud_says_becomes_exit_30(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A taken port is one clear line with the next step."""
    made, cloud = platform(tmp_path, monkeypatch)
    cloud.error = PortTaken("publish port 1", "it is taken by nc", "stop nc")
    with pytest.raises(Unreachable) as failed:
        made.ready(lambda _: None)

    assert ("it is taken by nc", "stop nc", 30) == (failed.value.seen, failed.value.hint, failed.value.exit_code)


def test_the_offset_moves_every_port() -> None:
    """As far as there are ports: the highest may become 65535."""
    assert None is local_cloud._wanted_ports({})
    assert Ports(4596, 8110, 8111) == local_cloud._wanted_ports({"LOCALCLOUD_PORT_OFFSET": "30"})
    assert Ports(62020, 65534, 65535) == local_cloud._wanted_ports({"LOCALCLOUD_PORT_OFFSET": "57454"})


@pytest.mark.parametrize("offset", ["ten", "-1", "57455"])
def test_an_offset_that_no_port_can_have_is_a_mistake(offset: str) -> None:
    """The message names what is allowed."""
    with pytest.raises(InputError, match=f"LOCALCLOUD_PORT_OFFSET={offset} is not a number from 0 to 57454"):
        local_cloud._wanted_ports({"LOCALCLOUD_PORT_OFFSET": offset})


def test_builds_are_told_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three builds at once: each line says whose it is."""
    made, _ = platform(tmp_path, monkeypatch)
    said: list[str] = []

    def talkative(name: str, _: str, __: datetime, say: Any) -> BuiltImage:
        say("working")
        return build(name)

    monkeypatch.setattr(made, "_build", talkative)
    made.ready(said.append)

    assert {"localcloud: working", "postgres: working", "redis: working"} == set(said)
