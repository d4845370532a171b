"""Builds what local development stands on: the dev environment's cloud, database and cache, and adapters to use them.

What is deployed there is never touched: `inv dev` has a database, a Redis database number and buckets of its own.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from deployer import config
from deployer.composition import LocalSite, local_site
from deployer.dev_settings import DevSettings
from deployer.errors import InputError
from deployer.model import PROJECT, BuiltImage, Environment, Secret, Topology
from localcloud.names import API_PORT

if TYPE_CHECKING:
    from deployer.aws.dev_stores import DevStores
    from deployer.aws.session import Session
    from deployer.tools.dev_containers import DevContainers
    from deployer.tools.dev_pages import DevPages

_REDIS_DATABASE = "1"
"""The deployed backend has number 0 of the same Redis."""

NEXT = "inv deploy --env=dev"


@dataclass(frozen=True)
class DevSite:
    """The dev environment on the local cloud of the checkout at `root`, seen by a developer."""

    root: Path
    logs: Path
    environment: Environment
    local: LocalSite

    @cached_property
    def session(self) -> Session:
        """AWS clients of the local cloud, which has to be up."""
        from deployer.aws.session import Session

        return Session(self.environment, endpoint_url=self.local.platform.endpoint_url, root=self.root)

    @cached_property
    def stores(self) -> DevStores:
        """Credentials, and buckets apart."""
        from deployer.aws.dev_stores import DevStores

        return DevStores(self.session)

    def deployed(self, say: Callable[[str], None]) -> Topology:
        """Start the local cloud if it stands still, and read what Terraform made in it.

        Raises InputError, saying how to get there, when dev was never deployed here; Unreachable.
        """
        from deployer.aws.topology import StoredTopology

        attempted = "use the dev environment of the local cloud"
        status = self.local.platform.status()
        if not (status["running"] or status["containers"]):
            raise InputError(attempted, "there is no local cloud here: dev was never deployed", NEXT)
        if not status["ready"]:
            self.local.platform.ready(say)
        try:
            return StoredTopology(self.session, self.root)()
        except InputError as error:
            raise InputError(attempted, f"dev was never deployed to it ({error.seen})", NEXT) from error

    def variables(self, topology: Topology, settings: DevSettings, commit: str) -> Mapping[str, Mapping[str, str]]:
        """What the containers are told, by service: the deployed backend's variables with places of our own.

        Makes the buckets. Raises InputError when the database chosen is not one of our own.
        """
        place = topology.services["backend"]
        given = {**place.environment, **self.environment.services["backend"].environment}
        reserved = {given["PGDATABASE"], "postgres", "template0", "template1"}
        if settings.database in reserved:
            seen = f"DEV_DATABASE is {settings.database}, which is not ours: it is the deployed one's or PostgreSQL's"
            raise InputError("choose a database", seen, "any other name in .env.local is made when missing")
        buckets = {name: f"{PROJECT}-local-{name}-{self.environment.account_id}" for name in ("forms", "uploads")}
        for bucket in buckets.values():
            self.stores.ensure_bucket(bucket)
        shown = {"ENVIRONMENT": "local", "RELEASE": "local", "COMMIT": commit, "COLOR": "local"}
        backend = {
            **given,
            **{name: self.stores.secret(place.secrets[name]).reveal() for name in ("PGUSER", "PGPASSWORD")},
            **shown,
            "PGDATABASE": settings.database,
            "REDIS_URL": re.sub(r"(//[^/]+)(/\d+)?$", rf"\1/{_REDIS_DATABASE}", given["REDIS_URL"]),
            "FORMS_BUCKET": buckets["forms"],
            "UPLOADS_BUCKET": buckets["uploads"],
            "API_TOKEN": settings.api_token.reveal() or secrets.token_urlsafe(24),
            "RATE_LIMIT_PER_MINUTE": str(settings.rate_limit_per_minute),
            "TRUSTED_PROXY_HOPS": "1",
            "AWS_ENDPOINT_URL": f"http://{self.local.platform.name}:{API_PORT}",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
        }
        return {"backend": backend, "frontend": {**shown, "BASIC_AUTH": settings.basic_auth.reveal()}}

    def credentials(self, topology: Topology) -> tuple[dict[str, str], Secret]:
        """How libpq reaches the deployed backend's database: PG* variables, and the password apart."""
        place = topology.services["backend"]
        names = ("PGHOST", "PGPORT", "PGDATABASE", "PGSSLMODE")
        connection = {name: place.environment[name] for name in names}
        connection["PGUSER"] = self.stores.secret(place.secrets["PGUSER"]).reveal()
        return connection, self.stores.secret(place.secrets["PGPASSWORD"])

    def build(self, service: str, commit: str, at: datetime, say: Callable[[str], None]) -> BuiltImage:
        """The image of `service` as the source tree has it."""
        return self.local.build(service, commit, at, say)

    def containers(self) -> DevContainers:
        """Makes and removes the containers of `inv dev`."""
        import docker
        from deployer.tools.dev_containers import DevContainers
        from deployer.tools.docker_cli import reaching_engine

        with reaching_engine("reach the Docker Engine"):
            return DevContainers(docker.from_env(), self.local.platform.name, self.root)

    def pages(self, settings: DevSettings) -> DevPages:
        """Builds the site."""
        from deployer.tools.dev_pages import DevPages

        served = self.root / ".cache" / "dev" / "site"
        return DevPages(self.root, served, os.environ, live_reload=settings.live_reload)


def dev_site(root: Path, logs: Path) -> DevSite:
    """The dev environment, on the local cloud whatever its terraform.tfvars says: AWS's databases cannot be reached."""
    return DevSite(root, logs, config.load(root, "dev", "local"), local_site(root, logs))
