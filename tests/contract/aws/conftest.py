"""The clouds that the AWS adapters are held against: moto (in process) and the local cloud (real containers).

The local cloud is the one at LOCALCLOUD_ENDPOINT_URL; without it, one is started for these tests from the images the
contract session hands over (LOCALCLOUD_IMAGE, POSTGRES_IMAGE, REDIS_IMAGE) and removed at the end. Cases that need
running containers take `local_session`, so they run on the local cloud alone and never pretend on moto.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from deployer.aws.session import Session
from deployer.tools.clock import SystemClock
from tests.contract.aws.stand_in import StandIn, app_image
from tests.unit.aws import values

if TYPE_CHECKING:
    from docker.models.images import Image as EngineImage

    from docker import DockerClient

MOTO_ACCOUNT = "123456789012"


def short_name() -> str:
    """Return a name no other test and no other run uses."""
    return f"t{secrets.token_hex(4)}"


@pytest.fixture(scope="session")
def engine() -> Iterator[DockerClient]:
    """Connect to the Docker Engine."""
    import docker

    client = docker.from_env(timeout=120)
    yield client
    client.close()


@pytest.fixture(scope="session")
def local_endpoint(engine: DockerClient) -> Iterator[str]:
    """Return the local cloud's endpoint; start a cloud when none was given."""
    given = os.environ.get("LOCALCLOUD_ENDPOINT_URL")
    if given:
        yield given
        return
    from localcloud.cloud import CloudImages, LocalCloud

    images = CloudImages(os.environ["LOCALCLOUD_IMAGE"], os.environ["POSTGRES_IMAGE"], os.environ["REDIS_IMAGE"])
    cloud = LocalCloud(engine, f"indivillage-cloud-{secrets.token_hex(4)}", ())
    try:
        yield cloud.up(images, print).endpoint_url
    finally:
        cloud.down(print)


@pytest.fixture(scope="session")
def app(engine: DockerClient) -> Iterator[EngineImage]:
    """Make the app image that tasks run, from the project's base image."""
    image = app_image(engine, os.environ["BASE_IMAGE"], f"indivillage-test-{secrets.token_hex(4)}")
    yield image
    deadline = time.monotonic() + 90
    while engine.containers.list(filters={"ancestor": image.id}, ignore_removed=True) and time.monotonic() < deadline:
        time.sleep(0.2)  # its tasks have been told to stop and drain
    engine.images.remove(image.id, force=True)


@pytest.fixture
def moto() -> Iterator[None]:
    """Let every boto3 call of the test be answered by moto."""
    from moto import mock_aws

    with mock_aws():
        yield


@pytest.fixture(params=["moto", "local"])
def new_session(request: pytest.FixtureRequest) -> Callable[[], Session]:
    """Make sessions of fresh environments: the same case runs on moto and on the local cloud."""
    if request.param == "moto":
        request.getfixturevalue("moto")
        return lambda: Session(values.environment(short_name(), cloud="aws", account_id=MOTO_ACCOUNT), environ={})
    endpoint = request.getfixturevalue("local_endpoint")
    return lambda: Session(values.environment(short_name()), endpoint_url=endpoint)


@pytest.fixture
def session(new_session: Callable[[], Session]) -> Session:
    """Return a session of a fresh environment in which nothing was made."""
    return new_session()


@pytest.fixture
def local_session(local_endpoint: str) -> Session:
    """Return a session of a fresh environment on the local cloud alone."""
    return Session(values.environment(short_name()), endpoint_url=local_endpoint)


@pytest.fixture(params=["moto", "local"])
def applied(request: pytest.FixtureRequest) -> StandIn:
    """Return an environment as Terraform leaves it, on each cloud; cases read it, or set all of what they change."""
    made: StandIn = request.getfixturevalue(f"{request.param}_applied")
    return made


@pytest.fixture(scope="module")
def moto_applied() -> Iterator[StandIn]:
    """Return an environment in moto. Requests to the local cloud pass moto by: it answers for amazonaws.com alone."""
    from moto import mock_aws

    with mock_aws():
        environment = values.environment(short_name(), cloud="aws", account_id=MOTO_ACCOUNT)
        yield StandIn(Session(environment, environ={})).apply()


@pytest.fixture(scope="session")
def local_applied(local_endpoint: str, app: EngineImage) -> Iterator[StandIn]:
    """Return an environment on the local cloud, shared by all cases: its containers take seconds."""
    stand_in = StandIn(Session(values.environment(short_name()), endpoint_url=local_endpoint))
    try:
        yield stand_in.apply()
    finally:
        stand_in.destroy()


@pytest.fixture
def clock() -> SystemClock:
    """Return the real clock."""
    return SystemClock()
