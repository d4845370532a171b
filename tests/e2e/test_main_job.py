"""The main job, end to end, on real containers: deploy, change a line, break it, roll back.

One story in order: each test starts from what the one before left behind.
"""

from __future__ import annotations

import json
import re
import signal

import boto3
import httpx
import pytest

from tests import aws_calls

from .conftest import Checkout, deploy, get, visitors
from .dev_server import left, running

STORY: dict[str, str] = {}
"""What later chapters need of earlier ones: release ids, commits, the URL."""


def sql(checkout: Checkout, command: str, database: str = "") -> str:
    """The one value that a query answers."""
    words = ["db.console", f"--command={command}"] + ([f"--database={database}"] if database else [])
    found = re.search(r"^ +(\S+)$\n^\(1 row\)", checkout.inv(*words).stdout, re.MULTILINE)
    assert found
    return found[1]


def stored_forms(endpoint_url: str) -> list[str]:
    """Keys in the bucket of `inv dev`."""
    s3 = boto3.client("s3", "ap-south-1", endpoint_url=endpoint_url, aws_access_key_id="x", aws_secret_access_key="x")
    (bucket,) = (b["Name"] for b in s3.list_buckets()["Buckets"] if b["Name"].startswith("indivillage-local-forms"))
    return [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]


def test_one_command_takes_a_fresh_clone_to_a_running_environment(checkout: Checkout) -> None:
    """`inv deploy` sets everything up, deploys, proves it, and says so truthfully."""
    ran = deploy(checkout, "--json")
    answer = ran.json
    status = checkout.inv("status", "--env=dev", "--json").json
    version = get(status["url"], "/api/version").json()
    STORY.update(first=answer["release"], url=status["url"])

    assert "good" == answer["outcome"]
    of_two_colors = ("alarms", "schedule", "retire")
    assert {"ok"} == {stage["status"] for stage in answer["stages"] if stage["name"] not in ("build", *of_two_colors)}
    assert ["skipped"] * 3 == [stage["status"] for stage in answer["stages"] if stage["name"] in of_two_colors]
    assert (answer["release"], True, {"blue": 100, "green": 0}) == (
        status["release"],
        status["healthy"],
        status["traffic"],
    )
    assert (None, None) == (status["lock"], status["in_progress"])
    assert (answer["release"], checkout.git("rev-parse", "HEAD"), "blue") == (
        version["release"],
        version["commit"],
        version["color"],
    )
    assert status["services"]["backend"]["digest"] == version["image_digest"]
    assert 200 == get(status["url"], "/").status_code
    assert sum(answer["aws_calls"].values()) == aws_calls.printed(ran.stderr)
    assert () == aws_calls.ROLLING.excess(answer)


def test_a_second_plan_has_nothing_to_change(checkout: Checkout) -> None:
    """Terraform sees no drift in what the deployer moved."""
    plan = checkout.inv("plan", "--env=dev")
    drift = checkout.inv("drift", "--env=dev")

    assert "no changes" in plan.stderr
    assert "no drift" in drift.stdout.splitlines()


def test_one_changed_line_replaces_the_backend_without_losing_a_request(checkout: Checkout) -> None:
    """A second release rolls over the first; visitors notice nothing."""
    checkout.replace("docker/backend/app/__init__.py", "Read `main.py` first", "Start with `main.py`")
    commit = STORY["commit"] = checkout.commit("Change one line")
    with visitors(STORY["url"]) as seen:
        answer = deploy(checkout, "--json").json
    version = get(STORY["url"], "/api/version").json()
    STORY["second"] = answer["release"]

    assert "good" == answer["outcome"]
    assert (answer["release"], commit) == (version["release"], version["commit"])
    assert () == aws_calls.ROLLING.excess(answer)
    assert {"200"} == set(seen), seen
    assert seen["200"] > 100


def test_a_release_that_crashes_at_start_never_gets_a_visitor(checkout: Checkout) -> None:
    """The verdict is exit 20 and says why; the version before still serves every request."""
    broken = """CMD ["python3", "-c", "raise SystemExit('broken on purpose')"]"""
    checkout.replace("docker/backend/Dockerfile", 'CMD ["python3", "-m", "app"]', broken)
    checkout.commit("Break the backend")
    with visitors(STORY["url"]) as seen:
        ran = deploy(checkout, "--json", expect=20)
    status = checkout.inv("status", "--env=dev", "--json").json
    checkout.git("reset", "-q", "--hard", STORY["commit"])
    STORY["broken"] = ran.json["release"]

    assert "rolled-back" == ran.json["outcome"]
    assert "failed" == next(stage["status"] for stage in ran.json["stages"] if stage["name"] == "deploy")
    assert "broken on purpose" in ran.stderr
    assert "exit code 1" in ran.stderr
    assert {"200"} == set(seen), seen
    assert (STORY["second"], True) == (status["release"], status["healthy"])


def test_rollback_restores_the_last_good_release_as_one_unit(checkout: Checkout) -> None:
    """Not the broken one before, not "revision minus one": the last release that was good before the live one."""
    with visitors(STORY["url"]) as seen:
        answer = checkout.inv("rollback", "--env=dev", "--json").json
    status = checkout.inv("status", "--env=dev", "--json").json
    history = checkout.inv("history", "--env=dev", "--json").json

    assert "good" == answer["outcome"]
    assert () == aws_calls.ROLLED_BACK.excess(answer)
    assert (STORY["first"], True) == (status["release"], status["healthy"])
    assert {"200"} == set(seen), seen
    assert [
        (answer["release"], "good"),
        (STORY["broken"], "rolled-back"),
        (STORY["second"], "good"),
        (STORY["first"], "good"),
    ] == [(record["release"], record["outcome"]) for record in history]


def test_smoke_test_alone_proves_what_runs(checkout: Checkout) -> None:
    """QA's command needs no deployment, and leaves JUnit XML behind."""
    checkout.inv("smoke-test", "--env=dev")

    assert list((checkout.path / "reports").glob("smoke-*.xml"))


@pytest.mark.parametrize(
    "words",
    [
        ("deploy", "--env=prdo"),
        ("deploy", "--env=dev", "--ref=no-such-commit"),
        ("rollback", "--env=dev", "--to=no-such-release"),
    ],
)
def test_a_mistake_is_one_message_and_exit_2(checkout: Checkout, words: tuple[str, ...]) -> None:
    """No traceback for what a user got wrong."""
    ran = checkout.inv(*words, expect=2)

    assert "Traceback" not in ran.stderr
    assert "next:" in ran.stderr


def test_inv_dev_serves_the_source_tree_beside_what_is_deployed(checkout: Checkout) -> None:
    """Reload of both halves, a form stored in Postgres and S3, nothing left behind, nothing of dev's touched."""
    cloud = checkout.inv("cloud.status", "--json").json
    deployed = sql(checkout, "select count(*) from forms")
    with running(checkout.path) as killed:
        killed.process.kill()
    assert 2 == len(left(cloud["name"]))

    with running(checkout.path) as server:
        checkout.replace("docker/backend/app/settings.py", '"service": "backend"', '"service": "edited"')
        server.until("/api/version", '"edited"')
        checkout.replace("docker/frontend/site/pages/home.html", "<h1>", "<h1>Edited: ")
        server.until("/", "<h1>Edited: ")
        form = {"name": "Asha", "email": "asha@example.org", "topic": "other", "message": "A message of a test."}
        headers = {"Idempotency-Key": "e2e-of-inv-dev-0001"}
        answer = httpx.post(f"http://127.0.0.1:{server.port}/api/forms", json=form, headers=headers, timeout=10)
        ended = server.end(signal.SIGINT)
    checkout.git("checkout", "-q", "docker")

    assert 201 == answer.status_code, answer.text
    assert any("removed what an earlier inv dev left" in line for line in server.lines)
    assert (130, []) == (ended, left(cloud["name"]))
    assert "1" == sql(checkout, "select count(*) from forms where stored_at is not null", "indivillage_local")
    assert 1 == len(stored_forms(cloud["endpoint_url"]))
    assert deployed == sql(checkout, "select count(*) from forms")
    status = checkout.inv("status", "--env=dev", "--json").json
    assert (True, []) == (status["healthy"], status["doubts"])


def test_what_runs_can_be_looked_into(checkout: Checkout) -> None:
    """Logs, a command in a running container, SQL: from scripts too, with their exit codes."""
    lines = [json.loads(line) for line in checkout.inv("logs", "--env=dev", "--json", "--since=2h").stdout.splitlines()]

    assert {"backend", "frontend"} == {line["service"] for line in lines}
    assert sorted(line["time"] for line in lines) == [line["time"] for line in lines]
    assert "10001" == checkout.inv("shell", "--command=id -u").stdout.strip()
    assert "nginx" in checkout.inv("shell", "--service=frontend", "--command=ps -e -o comm=").stdout
    checkout.inv("shell", "--command=exit 7", expect=7)
    checkout.inv("db.console", "--command=select nonsense", expect=1)
    checkout.inv("db.console", "--env=prod", expect=3)
