"""The host side: up, down, status, and one clear line for each thing that is wrong with the machine."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from localcloud import cloud as cloud_module
from localcloud.cloud import CloudImages, LocalCloud, Ports
from localcloud.engine import connect, reaching
from localcloud.errors import CloudError, DiskFull, EngineRefused, EngineUnreachable, NameTaken, PortTaken
from localcloud.names import LABEL
from tests.contract.localcloud.conftest import left_of

if TYPE_CHECKING:
    from docker import DockerClient

ROOT = Path(__file__).resolve().parents[3]


def one_line(error: CloudError) -> bool:
    """Whether the error is one line that says what was attempted and seen, and what to do."""
    return "\n" not in str(error) and all((error.attempted, error.seen, error.hint))


def test_up_again_changes_nothing(cloud: LocalCloud, cloud_images: CloudImages, engine: DockerClient) -> None:
    """A second up keeps the very container and its ports, and says that it is ready."""
    before = engine.containers.get(cloud.name).attrs["State"]["StartedAt"]
    status = cloud.up(cloud_images)
    assert (True, True, cloud.name) == (status.running, status.ready, status.name)
    assert before == engine.containers.get(cloud.name).attrs["State"]["StartedAt"]
    assert cloud.ports == status.ports


def test_only_loopback_ports_are_published(cloud: LocalCloud, engine: DockerClient) -> None:
    """Nobody else on the network reaches the cloud."""
    bound = engine.containers.get(cloud.name).attrs["NetworkSettings"]["Ports"]
    assert {"127.0.0.1"} == {one["HostIp"] for ports in bound.values() for one in ports or ()}
    for name, _ in cloud.status().containers:
        assert not any(engine.containers.get(name).attrs["NetworkSettings"]["Ports"].values())


def test_two_processes_at_once_make_one_cloud_and_down_leaves_nothing(
    new_cloud: Callable[[], LocalCloud], cloud: LocalCloud, cloud_images: CloudImages, engine: DockerClient
) -> None:
    """Both succeed and mean the same cloud, beside the one that runs already; then nothing of it is left."""
    second = new_cloud()
    code = (
        "import sys; from localcloud.cloud import *; from localcloud.engine import connect;"
        "print(LocalCloud(connect(), sys.argv[1], ()).up(CloudImages(*sys.argv[2:])).endpoint_url)"
    )
    images = (cloud_images.cloud, cloud_images.postgres, cloud_images.redis)
    command = [sys.executable, "-c", code, second.name, *images]
    both = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    endpoints = {process.communicate()[0].strip() for process in both}
    assert [0, 0] == [process.returncode for process in both]
    assert {second.status().endpoint_url} == endpoints
    assert set(cloud.ports.all()).isdisjoint(second.ports.all())

    bystander = engine.containers.create(cloud_images.redis, name=f"bystander-of-{second.name}")
    try:
        assert (second.name, f"{second.name}-state") == tuple(dict.fromkeys(second.down()))
        assert left_of(engine, second.name) == []
        assert cloud.status().ready
        assert "created" == engine.containers.get(bystander.id).status
    finally:
        bystander.remove(v=True)
    assert () == second.down()


def test_down_names_the_stranger_that_is_still_in_the_network(
    new_cloud: Callable[[], LocalCloud], cloud_images: CloudImages, engine: DockerClient
) -> None:
    """What somebody else put there is not ours to remove; when it is gone, the rest follows."""
    cloud = new_cloud()
    engine.networks.create(cloud.name, labels={LABEL: cloud.name})
    stranger = engine.containers.create(
        cloud_images.redis, name=f"stranger-of-{cloud.name}", network=cloud.name, entrypoint=["sleep"], command=["60"]
    )
    try:
        stranger.start()
        with pytest.raises(EngineRefused, match=stranger.name) as caught:
            cloud.down()
        assert one_line(caught.value)
    finally:
        stranger.remove(v=True, force=True)
    assert (cloud.name,) == cloud.down()


def test_two_new_clouds_at_once_have_ports_of_their_own(
    new_cloud: Callable[[], LocalCloud], cloud_images: CloudImages, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second one chooses when the first one's container is there, however long that takes."""
    slowly = cloud_module.choose

    def choose(*known: Any) -> Ports:
        chosen = slowly(*known)
        time.sleep(0.5)
        return chosen

    monkeypatch.setattr(cloud_module, "choose", choose)
    clouds = [new_cloud(), new_cloud()]
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda cloud: cloud.up(cloud_images).ports.all(), clouds)
    assert set(first).isdisjoint(second)


@pytest.fixture
def listener() -> Iterator[int]:
    """A port that another program holds."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        yield holder.getsockname()[1]


def test_a_taken_port_is_one_line_that_names_it(
    engine: DockerClient, cloud_images: CloudImages, listener: int, new_cloud: Callable[[], LocalCloud]
) -> None:
    """And nothing is left of the attempt."""
    cloud = LocalCloud(engine, new_cloud().name, (), Ports(4999, listener, 4998))
    with pytest.raises(PortTaken) as caught:
        cloud.up(cloud_images)
    assert one_line(caught.value)
    assert f"127.0.0.1:{listener} is taken by another program" in str(caught.value)
    assert left_of(engine, cloud.name) == []


def test_a_port_of_a_container_is_named_with_it(
    engine: DockerClient, cloud: LocalCloud, new_cloud: Callable[[], LocalCloud]
) -> None:
    """Asking for the ports of a running cloud says whose they are; not asking moves on."""
    other = new_cloud()
    assert set(other.ports.all()).isdisjoint(cloud.ports.all())
    with pytest.raises(PortTaken):
        _ = LocalCloud(engine, other.name, (), cloud.ports).ports


def test_a_dead_engine_is_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No socket, no traceback: where it was looked for and what to do."""
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/docker.sock")
    with pytest.raises(EngineUnreachable) as caught:
        connect()
    assert one_line(caught.value)
    assert f"no Docker Engine answers at unix://{tmp_path}/docker.sock" in str(caught.value)


def test_a_full_disk_is_one_line(
    engine: DockerClient, cloud_images: CloudImages, new_cloud: Callable[[], LocalCloud]
) -> None:
    """The cloud's state volume is a real file system with no room left on it."""
    cloud = new_cloud()
    room = {"type": "tmpfs", "device": "tmpfs", "o": "size=4k,nr_inodes=4"}
    engine.volumes.create(f"{cloud.name}-state", driver_opts=room, labels={LABEL: cloud.name})
    with pytest.raises(DiskFull) as caught:
        cloud.up(cloud_images)
    assert one_line(caught.value)
    assert "No space left on device" in str(caught.value)


def test_the_engines_own_full_disk_is_the_same_error() -> None:
    """What the engine answers when it cannot write a layer."""
    from docker.errors import APIError

    answer = "write /var/lib/docker/tmp/x: no space left on device"
    with pytest.raises(DiskFull, match="no space left on device"), reaching("start the local cloud"):
        raise APIError("500", explanation=answer)


def test_a_stranger_of_that_name_is_left_alone(
    engine: DockerClient, cloud_images: CloudImages, new_cloud: Callable[[], LocalCloud]
) -> None:
    """A container with the cloud's name but without its label is neither used nor removed."""
    cloud = new_cloud()
    stranger = engine.containers.create(cloud_images.redis, name=cloud.name)
    try:
        with pytest.raises(NameTaken):
            cloud.up(cloud_images)
        assert () == cloud.down()
        assert cloud.name == engine.containers.get(stranger.id).name
    finally:
        stranger.remove(v=True)
