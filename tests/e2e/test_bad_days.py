"""What a developer's bad day brings, on the environment that serves: each ends with its exit code and one message.

Nothing of it reaches a visitor for good: the release that served before serves after each of these tests.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any

import boto3
import pytest

import docker

from . import faults
from .conftest import Ran, Served, deploy, visitors
from .faults import Running

DEAD_PROXY = "http://127.0.0.1:9"
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")

long = pytest.mark.skipif(os.environ.get("E2E_FAULTS") != "all", reason="takes long: nox -s faults runs it")


def one_message(ran: Ran, *words: str) -> None:
    """One message with all `words`, a next step and no traceback of ours (a container's is told indented)."""
    told = ran.stderr[ran.stderr.rindex("error: ") :]
    assert "\nTraceback" not in ran.stderr
    assert "\n  next: " in told
    assert [] == [word for word in words if word not in told], told


def test_terraform_says_no_to_the_configuration(served: Served) -> None:
    """A plan that fails is a gate: exit 10, file and line named, nothing changed."""
    broken = served.checkout.path / "infrastructure/terraform/faults.tf"
    broken.write_text('output "broken" {\n  value = aws_vpc.nobody.id\n}\n', encoding="utf-8")

    ran = deploy(served.checkout, expect=10)

    one_message(ran, "faults.tf:2", "nothing was changed", "plan.log")
    served.still()


@long
def test_terraform_fails_while_it_applies(served: Served) -> None:
    """Exit 20: something was changed and is in the state; what serves is not touched."""
    faults.change_infrastructure(served.checkout)

    ran = deploy(served.checkout, expect=20, env={faults.APPLY_S: "nonsense"})

    one_message(ran, "terraform_data.faults", "run it again to continue", "apply.log")
    served.still()


def test_the_state_is_locked_by_somebody_else(served: Served) -> None:
    """Terraform's own lock object: exit 40, who has it, since when, and how to break it."""
    cloud = served.checkout.inv("cloud.status", "--json").json
    s3: Any = boto3.client(
        "s3",
        endpoint_url=cloud["endpoint_url"],
        region_name="ap-south-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    place = {"Bucket": "indivillage-dev-state-000000000000", "Key": "terraform.tfstate.tflock"}
    lock = {
        "ID": "5c9a1b1e-0000-4000-8000-000000000000",
        "Operation": "OperationTypeApply",
        "Info": "",
        "Who": "asha@laptop",
        "Version": "1.11.4",
        "Created": "2026-01-01T10:00:00Z",
        "Path": f"{place['Bucket']}/terraform.tfstate",
    }
    s3.put_object(**place, Body=json.dumps(lock).encode())
    try:
        ran = served.checkout.inv("plan", "--env=dev", expect=40)
    finally:
        s3.delete_object(**place)

    one_message(ran, "locked by asha@laptop since 2026-01-01", f"force-unlock {lock['ID']}")
    served.still()


def test_a_migration_that_fails_deploys_nothing(served: Served) -> None:
    """Exit 20: the log of the task is shown, no service was touched, and what stays of the schema is said."""
    migration = served.checkout.path / "docker/backend/migrations/versions/0002_broken.py"
    migration.write_text(
        'revision, down_revision, branch_labels, depends_on = "0002", "0001", None, None\n\n\n'
        "def upgrade() -> None:\n    raise RuntimeError('broken on purpose')\n",
        encoding="utf-8",
    )
    served.checkout.git("add", "--all")
    served.checkout.commit("A migration that fails")
    with visitors(served.url) as seen:
        ran = deploy(served.checkout, "--json", expect=20)

    one_message(ran, "broken on purpose", "schema")
    assert "deploy" not in [stage["name"] for stage in ran.json["stages"]]
    assert {"200"} == set(seen), seen
    served.still()


def test_a_migration_that_would_break_what_serves_is_refused(served: Served) -> None:
    """Exit 10, before the schema is touched: file, operation, and the two ways on."""
    migration = served.checkout.path / "docker/backend/migrations/versions/0002_topic.py"
    migration.write_text(
        'from alembic import op\n\nrevision, down_revision = "0002", "0001"\n\n\n'
        "def upgrade() -> None:\n    op.execute('ALTER TABLE forms DROP COLUMN topic')\n",
        encoding="utf-8",
    )
    served.checkout.git("add", "--all")
    served.checkout.commit("A column that the live release reads is gone")
    ran = deploy(served.checkout, "--json", expect=10)

    one_message(ran, "0002_topic.py:7 SQL drops: ALTER TABLE forms DROP COLUMN topic", served.release, "contract")
    assert "migrate" not in [stage["name"] for stage in ran.json["stages"]]
    served.still()


def test_an_image_that_never_gets_healthy(served: Served) -> None:
    """Exit 20: visitors never meet it."""
    served.checkout.replace("docker/backend/app/health.py", "200 if ready else 503", "503")
    served.checkout.commit("Never ready")
    with visitors(served.url) as seen:
        ran = deploy(served.checkout, expect=20)

    one_message(ran, "health", "still serves")
    assert {"200"} == set(seen), seen
    served.still()


def test_an_image_that_dies_once_it_is_used(served: Served) -> None:
    """It was called steady; the smoke test finds it dead and what it said: exit 20, and the version before is back."""
    served.checkout.replace(
        "docker/backend/app/health.py",
        "return JSONResponse(self.build.to_json())",
        '__import__("os").write(2, b"dying on purpose\\n"); __import__("os")._exit(7)',
    )
    served.checkout.commit("Dies when it is asked who it is")

    ran = deploy(served.checkout, expect=20)

    one_message(ran, "exit code 7", "dying on purpose", "serves again")
    served.still()


def test_no_engine_at_the_start(served: Served) -> None:
    """Exit 30 before anything is looked at."""
    ran = deploy(served.checkout, expect=30, env={"DOCKER_HOST": "unix:///nowhere/docker.sock"})

    assert "Traceback" not in ran.stderr
    assert "no Docker Engine answers at DOCKER_HOST=unix:///nowhere/docker.sock" in ran.stderr
    served.still()


def while_building(relay: faults.Relay, run: Running) -> None:
    """Cut the engine off in the middle of a build step."""
    run.until(faults.BUILDING)
    relay.cut()


def while_pushing(relay: faults.Relay, run: Running) -> None:
    """Cut the engine off as soon as it was asked to push."""
    relay.cut_at = b"/push?"
    run.end()


@pytest.mark.parametrize("cut", [while_building, pytest.param(while_pushing, marks=long)])
def test_the_engine_goes_away(served: Served, cut: Callable[[faults.Relay, Running], None]) -> None:
    """Exit 30 says that it was the engine, and not the image."""
    faults.change_backend(served.checkout)
    with faults.relay() as relay:
        run = Running(served.checkout, "deploy", "--env=dev", env=relay.environment)
        cut(relay, run)
        ran = run.end()

    assert 30 == ran.code, ran.stderr
    one_message(ran, "Docker Engine")
    served.still()


def test_the_local_cloud_is_killed_and_the_next_deploy_brings_it_back(served: Served) -> None:
    """In the middle of a roll-out: exit 21, since nobody can say what serves. The next deploy needs no help.

    It is run behind proxies that are dead and in a home that cannot be written to: neither is needed for anything here.
    """
    faults.change_backend(served.checkout)
    name = served.checkout.inv("cloud.status", "--json").json["name"]
    run = Running(served.checkout, "deploy", "--env=dev")
    run.until(r"\ds deploy +(backend|frontend) blue: ")  # before that nothing was changed, and it is exit 30
    docker.from_env().containers.get(name).kill()
    ran = run.end()
    hostile = {**dict.fromkeys(PROXIES, DEAD_PROXY), "NO_PROXY": "example.com", "no_proxy": None, "HOME": "/proc"}
    answer = deploy(served.checkout, "--json", env=hostile).json

    assert 21 == ran.code, ran.stderr
    one_message(ran, "put back", "inv status")
    assert "good" == answer["outcome"]
    Served(served.checkout, answer["release"], served.url).still()
