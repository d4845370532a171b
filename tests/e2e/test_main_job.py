"""The main job, end to end, on real containers: deploy, change a line, break it, roll back, clean up.

One story in order: each test starts from what the one before left behind.
"""

from __future__ import annotations

import pytest

import docker

from .conftest import Checkout, get, visitors

STORY: dict[str, str] = {}
"""What later chapters need of earlier ones: release ids, commits, the URL."""


def test_one_command_takes_a_fresh_clone_to_a_running_environment(checkout: Checkout) -> None:
    """`inv deploy` sets everything up, deploys, proves it, and says so truthfully."""
    answer = checkout.inv("deploy", "--env=dev", "--json").json
    status = checkout.inv("status", "--env=dev", "--json").json
    version = get(status["url"], "/api/version").json()
    STORY.update(first=answer["release"], url=status["url"])

    assert "good" == answer["outcome"]
    assert {"ok"} == {stage["status"] for stage in answer["stages"] if stage["name"] != "build"}
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


def test_a_second_plan_has_nothing_to_change(checkout: Checkout) -> None:
    """Terraform sees no drift in what the deployer moved."""
    plan = checkout.inv("plan", "--env=dev")

    assert "no changes" in plan.stderr


def test_one_changed_line_replaces_the_backend_without_losing_a_request(checkout: Checkout) -> None:
    """A second release rolls over the first; visitors notice nothing."""
    checkout.replace("docker/backend/app/__init__.py", "Read `main.py` first", "Start with `main.py`")
    commit = checkout.commit("Change one line")
    with visitors(STORY["url"]) as seen:
        answer = checkout.inv("deploy", "--env=dev", "--json").json
    version = get(STORY["url"], "/api/version").json()
    STORY.update(second=answer["release"], commit=commit)

    assert "good" == answer["outcome"]
    assert (answer["release"], commit) == (version["release"], version["commit"])
    assert {"200"} == set(seen), seen
    assert seen["200"] > 100


def test_a_release_that_crashes_at_start_never_gets_a_visitor(checkout: Checkout) -> None:
    """The verdict is exit 20 and says why; the version before still serves every request."""
    broken = """CMD ["python3", "-c", "raise SystemExit('broken on purpose')"]"""
    checkout.replace("docker/backend/Dockerfile", 'CMD ["python3", "-m", "app"]', broken)
    checkout.commit("Break the backend")
    with visitors(STORY["url"]) as seen:
        ran = checkout.inv("deploy", "--env=dev", "--json", expect=20)
    status = checkout.inv("status", "--env=dev", "--json").json
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


@pytest.mark.parametrize("words", [("deploy", "--env=prdo"), ("rollback", "--env=dev", "--to=no-such-release")])
def test_a_mistake_is_one_message_and_exit_2(checkout: Checkout, words: tuple[str, ...]) -> None:
    """No traceback for what a user got wrong."""
    ran = checkout.inv(*words, expect=2)

    assert "Traceback" not in ran.stderr
    assert "next:" in ran.stderr


def test_cloud_down_leaves_nothing_behind(checkout: Checkout) -> None:
    """Every container, network and volume of this cloud goes, and no other."""
    name = checkout.inv("cloud.status", "--json").json["name"]
    checkout.inv("cloud.down")
    engine = docker.from_env()
    everything = [
        *(container.name for container in engine.containers.list(all=True)),
        *(network.name for network in engine.networks.list()),
        *(volume.name for volume in engine.volumes.list()),
    ]

    assert [] == [found for found in everything if name in found]
    assert not checkout.inv("cloud.status", "--json").json["running"]
