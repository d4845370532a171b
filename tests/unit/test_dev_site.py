"""What `inv dev` gives its containers: the deployed backend's surroundings, and places of its own in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from deployer.aws import session as aws_session
from deployer.aws import topology as aws_topology
from deployer.dev_settings import DevSettings
from deployer.dev_site import DevSite
from deployer.errors import InputError
from deployer.model import Secret, Topology
from tests.examples import ENVIRONMENT, TOPOLOGY

DEPLOYED = {
    "PGHOST": "indivillage-dev.rds.internal",
    "PGPORT": "5432",
    "PGDATABASE": "indivillage",
    "PGSSLMODE": "prefer",
    "REDIS_URL": "redis://indivillage-dev.cache.internal:6379/0",
    "FORMS_BUCKET": "indivillage-dev-forms-000000000000",
    "UPLOADS_BUCKET": "indivillage-dev-uploads-000000000000",
    "AWS_REGION": "ap-south-1",
}
SECRETS = {name: f"arn:{name}" for name in ("API_TOKEN", "PGUSER", "PGPASSWORD")}


def topology() -> Topology:
    backend = replace(TOPOLOGY.services["backend"], environment=DEPLOYED, secrets=SECRETS)
    return replace(TOPOLOGY, services={**TOPOLOGY.services, "backend": backend})


class Site(DevSite):
    """With a cloud and stores that a test looks into."""

    def __init__(self, status: Mapping[str, object] | None = None) -> None:
        self.made: list[str] = []
        self.started: list[str] = []
        platform = SimpleNamespace(
            name="indivillage-cloud-1",
            endpoint_url="http://127.0.0.1:4566",
            status=lambda: status or {"running": True, "ready": True, "containers": []},
            ready=lambda _: self.started.append("ready"),
        )
        local: Any = SimpleNamespace(platform=platform)
        super().__init__(Path("/checkout"), Path("/logs"), ENVIRONMENT, local)

    def __setattr__(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)

    @property
    def stores(self) -> Any:  # type: ignore[override]
        return SimpleNamespace(secret=lambda reference: Secret(f"value of {reference}"), ensure_bucket=self.made.append)


def variables(settings: DevSettings) -> Mapping[str, Mapping[str, str]]:
    return Site().variables(topology(), settings, "c0ffee")


def test_nothing_of_what_is_deployed_is_used() -> None:
    """A database, a Redis database number and buckets of its own; the servers are the deployed backend's."""
    site = Site()
    backend = site.variables(topology(), DevSettings(), "c0ffee")["backend"]
    own = {name: backend[name] for name in ("PGDATABASE", "REDIS_URL", "FORMS_BUCKET", "UPLOADS_BUCKET")}

    assert [] == [name for name, value in own.items() if value == DEPLOYED[name]]
    assert ("redis://indivillage-dev.cache.internal:6379/1", DEPLOYED["PGHOST"]) == (
        own["REDIS_URL"],
        backend["PGHOST"],
    )
    assert [own["FORMS_BUCKET"], own["UPLOADS_BUCKET"]] == site.made


def test_credentials_come_from_where_tasks_get_them() -> None:
    """The API token is the developer's: the deployed one opens nothing here."""
    settings = DevSettings(api_token=Secret("0123456789abcdef"), basic_auth=Secret("a:b"))
    told = variables(settings)

    assert ("value of arn:PGUSER", "value of arn:PGPASSWORD") == (
        told["backend"]["PGUSER"],
        told["backend"]["PGPASSWORD"],
    )
    assert ("0123456789abcdef", "a:b") == (told["backend"]["API_TOKEN"], told["frontend"]["BASIC_AUTH"])
    assert "http://indivillage-cloud-1:4566" == told["backend"]["AWS_ENDPOINT_URL"]


def test_without_a_token_nobody_knows_it() -> None:
    """Long enough for the backend, and another one each time."""
    tokens = {variables(DevSettings())["backend"]["API_TOKEN"] for _ in range(3)}

    assert (3, True) == (len(tokens), min(map(len, tokens)) >= 16)


@pytest.mark.parametrize("name", ["indivillage", "postgres", "template1"])
def test_the_deployed_database_cannot_be_chosen(name: str) -> None:
    """Migrations under way would break what runs."""
    site = Site()
    with pytest.raises(InputError, match=f"DEV_DATABASE is {name}"):
        site.variables(topology(), DevSettings(database=name), "c0ffee")

    assert [] == site.made


def deployed(monkeypatch: pytest.MonkeyPatch, site: Site, read: Any = None) -> Topology:
    """Ask `site` for the topology, which `read` answers."""
    monkeypatch.setattr(aws_session, "Session", lambda *_, **__: None)
    monkeypatch.setattr(aws_topology, "StoredTopology", lambda *_: read or topology)
    return site.deployed(lambda _: None)


def test_a_machine_without_a_cloud_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """No minute is spent on starting a cloud that holds nothing."""
    site = Site({"running": False, "ready": False, "containers": []})
    with pytest.raises(InputError, match="never deployed") as caught:
        deployed(monkeypatch, site)

    assert (("inv deploy --env=dev"), []) == (caught.value.hint, site.started)


def test_a_cloud_without_dev_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """The cloud is there for another environment, or was just started."""

    def absent() -> Topology:
        raise InputError("reading", "the SSM parameter does not exist")

    with pytest.raises(InputError, match="never deployed to it") as caught:
        deployed(monkeypatch, Site(), absent)

    assert "inv deploy --env=dev" == caught.value.hint


def test_a_cloud_that_stands_still_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a restart of the machine."""
    site = Site({"running": False, "ready": False, "containers": [{"name": "db"}]})

    assert (topology(), ["ready"]) == (deployed(monkeypatch, site), site.started)


def test_the_console_gets_the_password_apart() -> None:
    """So that nobody prints it with the rest."""
    connection, password = Site().credentials(topology())

    assert Secret("value of arn:PGPASSWORD") == password
    assert {"PGHOST", "PGPORT", "PGDATABASE", "PGSSLMODE", "PGUSER"} == set(connection)
