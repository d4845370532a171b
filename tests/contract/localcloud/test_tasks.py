"""Health of targets, what task containers are given, and rolling updates, with real containers."""

from __future__ import annotations

from tests.contract.localcloud.conftest import load
from tests.contract.localcloud.stand import CLUSTER, Stand, wait_for


def address(stand: Stand, color: str) -> str:
    """The address of the first task of COLOR."""
    details = stand.tasks(color)[0]["attachments"][0]["details"]
    return str(next(one["value"] for one in details if one["name"] == "privateIPv4Address"))


def test_a_target_that_fails_its_health_check_gets_no_traffic(stand: Stand) -> None:
    """Of two targets in a group, the one that falls ill is shown unhealthy with AWS's reason and is left alone."""
    stand.serve("blue", NAME="well")
    run = stand.ecs.run_task(cluster=CLUSTER, taskDefinition=stand.revision("odd", NAME="ill"), launchType="FARGATE")
    arn = run["tasks"][0]["taskArn"]
    wait_for(lambda: [one for one in stand.tasks("odd") if one["lastStatus"] == "RUNNING"], "the odd task to run")
    target = {"Id": address(stand, "odd"), "Port": 8080}
    stand.elb.register_targets(TargetGroupArn=stand.blue, Targets=[target])
    wait_for(lambda: [one["State"] for one in stand.health(stand.blue)] == ["healthy"] * 2, "two healthy targets")
    assert {"well", "ill"} == {stand.get().text for _ in range(20)}

    wait_for(lambda: stand.get("/fall-ill/ill").text == "ill", "the odd task to be told to fall ill")
    ill = wait_for(
        lambda: [one for one in stand.health(stand.blue) if one["State"] != "healthy"], "an unhealthy target"
    )
    assert ("unhealthy", "Target.ResponseCodeMismatch") == (ill[0]["State"], ill[0]["Reason"])
    assert "Health checks failed with these codes: [500]" == ill[0]["Description"]
    assert {"well"} == {stand.get().text for _ in range(50)}

    stand.elb.deregister_targets(TargetGroupArn=stand.blue, Targets=[target])
    wait_for(lambda: len(stand.health(stand.blue)) == 1, "the target to be gone")
    stand.ecs.stop_task(cluster=CLUSTER, task=arn)


def test_nothing_healthy_means_503_and_a_group_without_a_listener_is_unused(stand: Stand) -> None:
    """No target, no answer; and AWS's state for a group that no load balancer uses."""
    assert stand.listener
    assert 503 == stand.get().status
    lonely = stand.target_group("lonely")
    stand.elb.register_targets(TargetGroupArn=lonely, Targets=[{"Id": "192.0.2.1", "Port": 8080}])
    assert [("unused", "Target.NotInUse")] == [(one["State"], one["Reason"]) for one in stand.health(lonely)]


def test_a_task_gets_the_user_the_read_only_root_and_no_capability(stand: Stand) -> None:
    """Asked from inside: numeric user, no effective capability, only /tmp writable, and that for everybody."""
    stand.serve("blue")
    assert "uid=10001 gid=10001 caps=0000000000000000 root=read-only tmp=writable mode=1777" == stand.get("/facts").text


def test_a_rolling_update_finishes_slow_requests_and_drops_nothing(stand: Stand) -> None:
    """Three-second requests that the old task serves when the update begins are answered, and so is all the rest."""
    stand.serve("blue", count=2, NAME="old")
    old = {task["taskArn"] for task in stand.tasks("blue")}
    with load(stand, ["/", "/", "/slow", "/slow"]) as result:
        wait_for(lambda: "old" in result.texts("/"), "the old tasks to answer")
        stand.update("blue", stand.revision("blue", NAME="new"))
        stand.steady("blue")
        wait_for(lambda: {"old", "new"} <= result.texts("/slow"), "slow answers of both")
        wait_for(lambda: len(stand.tasks("blue", "STOPPED")) == 2, "the old tasks to end")
    assert result.failures == []
    ended = [task for task in stand.tasks("blue", "STOPPED") if task["taskArn"] in old]
    wait_for(
        lambda: all(task["lastStatus"] == "STOPPED" for task in stand.tasks("blue", "STOPPED")), "them to be stopped"
    )
    ended = stand.tasks("blue", "STOPPED")
    assert [0, 0] == [task["containers"][0]["exitCode"] for task in ended], "SIGTERM was not enough"
    assert old == {task["taskArn"] for task in ended}


def test_an_image_that_crashes_trips_the_circuit_breaker_while_the_old_task_serves(stand: Stand) -> None:
    """The new deployment is FAILED with its exit code kept; the service is back on the old one; nobody noticed."""
    stand.serve("blue", NAME="good")
    bad = stand.revision("blue", CRASH="1")
    with load(stand, ["/"] * 2) as result:
        stand.update("blue", bad)
        wait_for(lambda: failed(stand, bad), "the circuit breaker")
        stand_primary = wait_for(
            lambda: [one for one in stand.deployments("blue") if one["status"] == "PRIMARY" and done(one)],
            "the rollback",
        )
    assert result.failures == []
    assert {"good"} == result.texts("/")
    assert bad != stand_primary[0]["taskDefinition"]
    codes = [one["containers"][0].get("exitCode") for one in stand.tasks("blue", "STOPPED")]
    assert 7 in codes


def test_a_task_that_never_gets_healthy_trips_the_circuit_breaker(stand: Stand) -> None:
    """It runs and fails its check: stopped for that reason, three times, and the old task serves all along."""
    stand.serve("blue", NAME="good")
    bad = stand.revision("blue", SICK="1")
    with load(stand, ["/"] * 2) as result:
        stand.update("blue", bad)
        wait_for(lambda: failed(stand, bad), "the circuit breaker")
    assert result.failures == []
    assert {"good"} == result.texts("/")
    reasons = {one["stoppedReason"] for one in stand.tasks("blue", "STOPPED")}
    assert f"Task failed ELB health checks in (target-group {stand.blue})" in reasons


def test_going_back_in_the_middle_of_a_bad_rollout_drops_nothing(stand: Stand) -> None:
    """There is room for two tasks: the one that never got healthy has to go, not the one that serves."""
    stand.serve("blue", NAME="good")
    bad, back = stand.revision("blue", SICK="1"), stand.revision("blue", NAME="back")
    with load(stand, ["/"] * 2) as result:
        stand.update("blue", bad)
        wait_for(
            lambda: [one for one in stand.tasks("blue") if one["taskDefinitionArn"] == bad],
            "a task that is not healthy",
        )
        stand.update("blue", back)
        stand.steady("blue")
    assert result.failures == []
    assert {"good", "back"} == result.texts("/")


def failed(stand: Stand, revision: str) -> bool:
    """Whether the deployment of REVISION has failed."""
    return any(
        one["taskDefinition"] == revision and one["rolloutState"] == "FAILED" for one in stand.deployments("blue")
    )


def done(deployment: dict[str, object]) -> bool:
    """Whether a deployment is complete."""
    return deployment["rolloutState"] == "COMPLETED"
