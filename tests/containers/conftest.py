"""Finds the deployment, gives each container check one of its containers, and says what could not be checked.

Run by `inv smoke-test` (nox session `containers`), which sets SMOKE_URL, SMOKE_RELEASE, SMOKE_ENVIRONMENT, SMOKE_CLOUD
and SMOKE_CLUSTER, and AWS_… for boto3. On AWS nobody can reach into Fargate's containers from here: these checks are
skipped as not run, and the checks over HTTP and of the task definitions remain.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.containers.deployment import SERVICES, Deployment, NotDeployed
from tests.containers.processes import Process, processes
from tests.containers.site import Site

if TYPE_CHECKING:
    from docker.models.containers import Container
    from testinfra.host import Host

NOT_HERE = "containers on Fargate cannot be reached from here"


def pytest_configure(config: pytest.Config) -> None:
    """Register our marker, keep secrets out of reports, and stop early when there is nothing to look at."""
    config.option.tbstyle = "short"  # the long one prints arguments, secrets among them
    config.addinivalue_line("markers", "containers: looks into containers, which only a local engine allows")
    if Deployment.from_environment(os.environ) is None:
        pytest.exit("which deployment? run these checks with: inv smoke-test --env=dev", returncode=2)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip, with the reason in every report, what cannot be checked here."""
    if os.environ["SMOKE_CLOUD"] == "local":
        return
    for item in items:
        if item.get_closest_marker("containers") or "container" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.skip(reason=NOT_HERE))


@pytest.fixture(scope="session")
def deployment() -> Deployment:
    """Return the release under test."""
    found = Deployment.from_environment(os.environ)
    assert found
    return found


@pytest.fixture(scope="session")
def site(deployment: Deployment) -> Iterator[Site]:
    """Return the website through the load balancer."""
    site = Site(deployment.url)
    yield site
    site.close()


@pytest.fixture(scope="session", params=SERVICES)
def service(request: pytest.FixtureRequest) -> str:
    """Each service in turn."""
    return str(request.param)


@pytest.fixture(scope="session")
def containers(deployment: Deployment, service: str) -> list[Container]:
    """Return the service's containers; the check fails when what should run does not."""
    try:
        return deployment.containers(service)
    except NotDeployed as error:
        pytest.fail(str(error))


@pytest.fixture(scope="session")
def hosts(containers: list[Container]) -> list[Host]:
    """Return Testinfra's view into each of the service's containers."""
    import testinfra

    return [testinfra.get_host(f"docker://{container.id}") for container in containers]


@pytest.fixture(scope="session")
def running(hosts: list[Host]) -> list[list[Process]]:
    """Return the processes of each of the service's containers."""
    return [processes(host) for host in hosts]
