"""One local cloud for all of these tests: its own name, its own ports, removed at the end with all that it made.

The images come from the contract session (LOCALCLOUD_IMAGE, POSTGRES_IMAGE, REDIS_IMAGE, BASE_IMAGE), which builds what
is missing.
"""

from __future__ import annotations

import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from localcloud.cloud import CloudImages, CloudStatus, LocalCloud
from localcloud.engine import connect
from localcloud.names import LABEL
from tests.contract.localcloud.networks import Networks
from tests.contract.localcloud.stand import REGION, Load, Stand

if TYPE_CHECKING:
    from docker import DockerClient


@pytest.fixture(scope="session")
def engine() -> Iterator[DockerClient]:
    """The Docker Engine."""
    client = connect()
    yield client
    client.close()


@pytest.fixture(scope="session")
def cloud_images() -> CloudImages:
    """The images that a cloud is made of."""
    names = ("LOCALCLOUD_IMAGE", "POSTGRES_IMAGE", "REDIS_IMAGE")
    if missing := [name for name in names if name not in os.environ]:
        pytest.fail(f"{', '.join(missing)} not set: `inv test --only=contract` builds the images and hands them over")
    return CloudImages(*(os.environ[name] for name in names))


@pytest.fixture(scope="session")
def new_cloud(engine: DockerClient) -> Iterator[Callable[[], LocalCloud]]:
    """Makes clouds of fresh names, and removes what is left of them at the end."""
    made: list[LocalCloud] = []

    def make() -> LocalCloud:
        made.append(LocalCloud(engine, f"indivillage-cloud-test-{secrets.token_hex(4)}", ["drift.alb.localhost"]))
        return made[-1]

    yield make
    for cloud in made:
        cloud.down(print)
    for cloud in made:
        assert left_of(engine, cloud.name) == []


def left_of(engine: DockerClient, name: str) -> list[str]:
    """Every container, network and volume that belongs to the cloud NAME, by label or by its name."""
    mine = {"label": f"{LABEL}={name}"}
    found = [*engine.containers.list(all=True, filters=mine), *engine.networks.list(filters=mine)]
    found += engine.volumes.list(filters=mine)
    named = [*engine.containers.list(all=True, ignore_removed=True), *engine.networks.list(), *engine.volumes.list()]
    return sorted({str(one.name) for one in [*found, *(one for one in named if str(one.name).startswith(name))]})


@pytest.fixture(scope="session")
def cloud(new_cloud: Callable[[], LocalCloud], cloud_images: CloudImages) -> LocalCloud:
    """The cloud that these tests share, up and ready."""
    made = new_cloud()
    made.up(cloud_images)
    return made


@pytest.fixture(scope="session")
def running(cloud: LocalCloud) -> CloudStatus:
    """Where the shared cloud answers."""
    return cloud.status()


@pytest.fixture
def networks(engine: DockerClient, cloud: LocalCloud) -> Networks:
    """The task networks of the shared cloud."""
    return Networks(engine, cloud.name)


@pytest.fixture(scope="session")
def app_image(engine: DockerClient, running: CloudStatus) -> Iterator[str]:
    """The app's image by digest, pushed to the cloud's registry as a deployment would."""
    import boto3

    registry = boto3.client(
        "ecr",
        endpoint_url=running.endpoint_url,
        region_name=REGION,
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    registry.create_repository(repositoryName="stand/app")
    repository = f"{running.registry}/stand/app"
    engine.images.get(os.environ["BASE_IMAGE"]).tag(repository, "first")
    errors = [line for line in engine.api.push(repository, "first", stream=True, decode=True) if "error" in line]
    assert errors == []
    pushed = registry.describe_images(repositoryName="stand/app")["imageDetails"]
    assert [one["imageTags"] for one in pushed] == [["first"]]
    yield f"{repository}@{pushed[0]['imageDigest']}"
    engine.images.remove(f"{repository}:first")


@pytest.fixture
def stand(running: CloudStatus, app_image: str) -> Iterator[Stand]:
    """A load balancer with two target groups and whatever services the test starts; removed afterwards."""
    made = Stand(running.endpoint_url, running.ports.http, app_image)
    yield made
    made.remove()


@contextmanager
def load(stand: Stand, paths: Sequence[str], pause_s: float = 0.005) -> Iterator[Load]:
    """Constant load while the block runs: one kept-alive connection for each of PATHS; read the result afterwards."""
    result, ending = Load(), threading.Event()
    lock = threading.Lock()

    def hammer(path: str) -> None:
        while not ending.is_set():
            try:
                with stand.connection() as ask:
                    while not ending.is_set():
                        answer = ask(path)
                        with lock:
                            result.note(path, answer)
                        time.sleep(pause_s)
            except OSError as error:
                with lock:
                    result.failures.append(f"{path}: {error!r}")

    threads = [threading.Thread(target=hammer, args=(path,)) for path in paths]
    for thread in threads:
        thread.start()
    try:
        yield result
    finally:
        ending.set()
        for thread in threads:
            thread.join()
