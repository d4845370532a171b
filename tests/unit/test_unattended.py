"""The reconciler's world: where its cloud is, and that it refuses the wrong one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deployer import unattended
from deployer.errors import DeployError, InputError
from deployer.pipeline import Stop
from tests.examples import ENVIRONMENT, ROOT

OVERRIDE = {"AWS_ENDPOINT_URL": "http://cloud:4566"}
AWS = replace(ENVIRONMENT, cloud="aws")


def test_the_local_cloud_tells_its_tasks_where_it_is() -> None:
    """In the variable that every SDK reads."""
    assert "http://cloud:4566" == unattended.endpoint_url(ENVIRONMENT, OVERRIDE)


def test_on_aws_nobody_may_say_where_aws_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """The account guard of every command holds here, too."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://elsewhere")

    with pytest.raises(InputError, match="endpoint override is set"):
        unattended.compose(AWS, ROOT, unattended.endpoint_url(AWS, OVERRIDE), Stop())


def test_a_rehearsal_without_a_cloud_ends_at_once() -> None:
    """It never falls through to AWS."""
    with pytest.raises(DeployError, match="endpoint URL was not given"):
        unattended.compose(ENVIRONMENT, ROOT, unattended.endpoint_url(ENVIRONMENT, {}), Stop())


def test_making_it_asks_nobody() -> None:
    """Clients are made at their first use; ports that settling does not need are not there."""
    made = unattended.compose(ENVIRONMENT, ROOT, "http://127.0.0.1:1", Stop())
    world = made.world

    assert {} == made.calls()
    assert (None, None) == (world.builder, world.gates)
    assert (ENVIRONMENT, ROOT) == (world.environment, world.root)
