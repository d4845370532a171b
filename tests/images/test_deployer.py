"""The deployer's own image, as the schedule runs it: locked down, lean, and refusing what it must not touch."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

import docker
from tests.images.stack import HARDENED

RECONCILER = ("python3", "-m", "deployer.reconciler")
ABSENT = ("boto3", "docker", "invoke", "nox", "rich", "httpx", "pip")
"""Packages that only a checkout's commands use."""
READ = """
import importlib.util, pathlib, sys
from deployer import config
for name in config.ENVIRONMENTS:
    config.load(pathlib.Path("/app"), name, "local")
print([name for name in {absent!r} if importlib.util.find_spec(name)], {{"hcl2", "pydantic"}} & set(sys.modules))
"""


@pytest.fixture(scope="module")
def image() -> str:
    """The image under test."""
    if not os.environ.get("DEPLOYER_IMAGE"):
        pytest.fail("DEPLOYER_IMAGE not set: `inv test --only=images` builds it and sets it")
    return os.environ["DEPLOYER_IMAGE"]


def ran(
    engine: docker.DockerClient, image: str, command: Sequence[str], environ: Mapping[str, str] | None = None
) -> tuple[int, str]:
    """Run a command in a container without any network: its exit code and stdout."""
    options: dict[str, Any] = {**HARDENED, "network_mode": "none", "environment": dict(environ or {})}
    container = engine.containers.create(image, list(command), **options)
    try:
        container.start()
        code = int(container.wait(timeout=120)["StatusCode"])
        return code, container.logs(stderr=False).decode()
    finally:
        container.remove(force=True)


def test_it_says_what_it_is_and_runs_as_nobody(engine: docker.DockerClient, image: str) -> None:
    """A numeric user that is not root, OCI labels, and no variable that could hold a secret."""
    config = engine.images.get(image).attrs["Config"]
    labels = {name.removeprefix("org.opencontainers.image.") for name in config["Labels"]}
    names = {variable.partition("=")[0] for variable in config["Env"]}

    assert ("10001:10001", list(RECONCILER)) == (config["User"], config["Cmd"])
    assert {"title", "description", "source", "revision", "version", "created"} <= labels
    assert {"PATH", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED", "COMMIT"} == names


@pytest.mark.parametrize(
    ("words", "environ", "seen"),
    [
        (["--env=stagin"], {}, "no environment named 'stagin'"),
        (["--env=staging"], {"AWS_ENDPOINT_URL": "http://elsewhere"}, "an endpoint override is set"),
    ],
    ids=["unknown", "override"],
)
def test_bad_input_ends_with_2_before_any_cloud_is_asked(
    engine: docker.DockerClient, image: str, words: list[str], environ: dict[str, str], seen: str
) -> None:
    """On AWS nobody may say where AWS is. One line of JSON tells it."""
    code, printed = ran(engine, image, [*RECONCILER, *words], environ)

    assert 2 == code
    answer = json.loads(printed)
    assert ("failed", 2) == (answer["outcome"], answer["exit_code"])
    assert seen in answer["note"]


def test_it_holds_no_more_than_settling_takes(engine: docker.DockerClient, image: str) -> None:
    """None of the packages that only a checkout's commands use, and every environment was read when it was built."""
    assert (0, "[] set()\n") == ran(engine, image, ["python3", "-c", READ.format(absent=ABSENT)])
