"""An environment that is rehearsed on the local cloud of a clone: what commands do to it, and what its cloud says."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import boto3

from tests.e2e.conftest import Checkout, Ran
from tests.e2e.faults import Running
from tests.load.balancer import balancer

REGION = "ap-south-1"
ACCOUNT = "000000000000"


@dataclass(frozen=True)
class Site:
    """One environment (`staging`, `prod`) of a clone whose cloud runs."""

    checkout: Checkout
    environment: str

    @property
    def words(self) -> tuple[str, ...]:
        """What names it on the command line."""
        return (f"--env={self.environment}", "--cloud=local")

    def inv(self, verb: str, *words: str, expect: int = 0) -> Ran:
        """Run `inv VERB` for this environment to its end, outside CI: nothing is done twice for the sake of it."""
        return self.checkout.inv(verb, *self.words, *words, expect=expect, env={"CI": None})

    def begin(self, verb: str, *words: str, env: Mapping[str, str | None] | None = None) -> Running:
        """Start `inv VERB` for this environment."""
        return Running(self.checkout, verb, *self.words, *words, env=env)

    def status(self) -> dict[str, Any]:
        """`inv status`."""
        return dict(self.inv("status", "--json").json)

    @cached_property
    def cloud(self) -> dict[str, Any]:
        """`inv cloud.status`: where its cloud listens."""
        return dict(self.checkout.inv("cloud.status", "--json").json)

    def client(self, service: str) -> Any:
        """A client of the cloud's API, which asks by itself and not through the deployer."""
        return boto3.client(
            service,
            endpoint_url=self.cloud["endpoint_url"],
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    @cached_property
    def topology(self) -> dict[str, Any]:
        """What Terraform made."""
        name = f"/indivillage/{self.environment}/topology"
        return dict(json.loads(self.client("ssm").get_parameter(Name=name)["Parameter"]["Value"]))

    @property
    def url(self) -> str:
        """Where visitors come in, on this machine."""
        return str(self.status()["url"])

    @property
    def place(self) -> tuple[str, int]:
        """Its load balancer's own address."""
        return balancer(self.cloud["name"])

    def query(self, sql: str) -> list[list[str]]:
        """Ask the environment's Postgres itself; rows of text."""
        names = [one["name"] for one in self.checkout.inv("cloud.status", "--json").json["containers"]]
        [database] = [name for name in names if "-rds-" in name and name.endswith(f"indivillage-{self.environment}")]
        script = 'exec psql -U "$POSTGRES_USER" -d "$POSTGRES_DB" -v ON_ERROR_STOP=1 -At -F "|" -c "$0"'
        done = subprocess.run(
            ["docker", "exec", database, "sh", "-c", script, sql],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert 0 == done.returncode, done.stderr
        return [line.split("|") for line in done.stdout.splitlines()]
