"""The network of a task: one sandbox for all its containers, gone with it; a stated number of spares and no more."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import pytest

from localcloud.cloud import LocalCloud
from localcloud.extension.sandbox import SPARES
from tests.contract.localcloud.conftest import load
from tests.contract.localcloud.networks import Networks, sandbox_of
from tests.contract.localcloud.stand import CLUSTER, Stand, wait_for

NEIGHBOUR = r"""
use IO::Socket::INET; $| = 1; $SIG{TERM} = sub { exit 0 };
my $there; for (1 .. 100) { $there = IO::Socket::INET->new("127.0.0.1:8080") and last; select undef, undef, undef, 0.1 }
print $there "GET / HTTP/1.0\r\n\r\n" or die "nobody on localhost: $!"; print while <$there>;
sleep 1 while $ENV{STAYS};
"""
"""Asks the app on localhost, then ends with 0, or stays if STAYS is set."""


def start(stand: Stand, revision: str) -> dict[str, Any]:
    """Start one task, wait until it listens: process number 1 sits out SIGTERM while it has no handler for it."""
    arn = begin(stand, revision)
    task = dict(wait_for(lambda: seen(stand, arn, "RUNNING"), "the task to run"))
    details = {one["name"]: one["value"] for one in task["attachments"][0]["details"]}
    wait_for(lambda: listens(details["privateIPv4Address"]), "the task to listen")
    return task


def listens(address: str) -> bool:
    """Whether the app accepts connections there."""
    try:
        socket.create_connection((address, 8080), timeout=1).close()
    except OSError:
        return False
    return True


def begin(stand: Stand, revision: str) -> str:
    """Start one task; returns its ARN."""
    stand.ecs.create_cluster(clusterName=CLUSTER)
    run = stand.ecs.run_task(cluster=CLUSTER, taskDefinition=revision, launchType="FARGATE")
    return str(run["tasks"][0]["taskArn"])


def seen(stand: Stand, arn: str, status: str) -> dict[str, Any] | None:
    """The task if it is in STATUS."""
    task = stand.ecs.describe_tasks(cluster=CLUSTER, tasks=[arn])["tasks"][0]
    return dict(task) if task["lastStatus"] == status else None


def end(stand: Stand, arn: str) -> dict[str, Any]:
    """Stop a task and wait for its end."""
    stand.ecs.stop_task(cluster=CLUSTER, task=arn)
    return dict(wait_for(lambda: seen(stand, arn, "STOPPED"), "the task to stop"))


def neighbour(stand: Stand, **environment: str) -> dict[str, Any]:
    """A container beside the app that need not live."""
    beside = {"name": "beside", "essential": False, "command": [NEIGHBOUR], "portMappings": []}
    return stand.container("odd", **environment) | beside


def test_the_containers_of_a_task_meet_on_localhost_at_one_address(stand: Stand, networks: Networks) -> None:
    """One sandbox, whose address is the task's; its containers publish and expose nothing; all of it ends together."""
    task = start(stand, stand.register("odd", stand.container("odd"), neighbour(stand)))
    there = networks.of(task["taskArn"])
    assert 2 == len(there)
    (sandbox,) = {sandbox_of(one) for one in there}
    (network,) = networks.get(sandbox).attrs["NetworkSettings"]["Networks"].values()
    details = {one["name"]: one["value"] for one in task["attachments"][0]["details"]}
    assert network["IPAddress"] == details["privateIPv4Address"]
    wait_for(
        lambda: (
            {c["name"]: c for c in (seen(stand, task["taskArn"], "RUNNING") or {}).get("containers", ())}
            and [one for one in networks.of(task["taskArn"]) if one.status == "exited"]
        ),
        "the neighbour to end",
    )
    (beside,) = [one for one in networks.of(task["taskArn"]) if one.status == "exited"]
    assert (0, True) == (beside.wait()["StatusCode"], beside.logs().endswith(b"odd"))

    end(stand, task["taskArn"])
    wait_for(lambda: sandbox not in networks.sandboxes() and not networks.of(task["taskArn"]), "all of it to be gone")


def test_a_sandbox_can_do_nothing(stand: Stand, networks: Networks) -> None:
    """Nobody's process, no capability, nothing to write to, one process; no health check, no port, no log."""
    task = start(stand, stand.revision("odd"))
    sandbox = networks.get(sandbox_of(networks.of(task["taskArn"])[0]))
    config, host = sandbox.attrs["Config"], sandbox.attrs["HostConfig"]
    assert ("65534:65534", ["NONE"]) == (config["User"], config["Healthcheck"]["Test"])
    assert (True, ["ALL"], "none") == (host["ReadonlyRootfs"], host["CapDrop"], host["LogConfig"]["Type"])
    assert not host["Binds"]
    assert not host["PortBindings"]
    assert [["sleep", "infinity"]] == [one[-1].split() for one in sandbox.top()["Processes"]]
    end(stand, task["taskArn"])


def test_a_container_that_outlives_its_task_is_stopped(stand: Stand, networks: Networks) -> None:
    """The essential container ends by itself: the neighbour, which would stay, goes, and then the sandbox."""
    crash = stand.container("odd", CRASH="1") | {"command": ["sleep 2; exit 7"]}
    arn = begin(stand, stand.register("odd", crash, neighbour(stand, STAYS="1")))
    ended = wait_for(lambda: seen(stand, arn, "STOPPED"), "the task to end")
    assert ("EssentialContainerExited", 7) == (ended["stopCode"], ended["containers"][0]["exitCode"])
    wait_for(lambda: all(one.status == "exited" for one in networks.of(arn)), "the neighbour to be stopped")
    (sandbox,) = {sandbox_of(one) for one in networks.of(arn)}
    wait_for(lambda: sandbox not in networks.sandboxes(), "the sandbox to be gone")


def test_there_are_never_more_spares_than_stated(stand: Stand, networks: Networks) -> None:
    """While tasks come and go there is a sandbox for each task and at most SPARES beside; without tasks only these."""
    most = 0

    def watched(find: Callable[[], Any]) -> Callable[[], Any]:
        def look() -> Any:
            nonlocal most
            most = max(most, len(networks.spares()))
            return find()

        return look

    stand.serve("blue", count=2)
    wait_for(watched(networks.quiet), "the spares")
    for name in ("second", "third"):
        stand.update("blue", stand.revision("blue", NAME=name))
        wait_for(watched(lambda: stand.deployments("blue")[0]["rolloutState"] == "COMPLETED"), "a steady service")
    wait_for(watched(networks.quiet), "the spares to be back")
    assert SPARES == most

    stand.ecs.delete_service(cluster=CLUSTER, service=f"{stand.name}-blue", force=True)
    wait_for(lambda: not networks.held() and networks.quiet(), "only the spares to be left")


def test_a_spare_is_taken_and_a_dead_one_is_not(stand: Stand, networks: Networks) -> None:
    """The next task joins a spare that was there; killed or removed spares are noticed, replaced, and harm nobody."""
    wait_for_spares(stand, networks)
    spares = networks.spares()
    task = start(stand, stand.revision("odd"))
    taken = sandbox_of(networks.of(task["taskArn"])[0])
    assert taken in spares
    end(stand, task["taskArn"])

    wait_for(lambda: taken not in networks.sandboxes() and networks.quiet(), "the spares")
    one, two = networks.spares()
    networks.get(one).kill()
    networks.get(two).remove(force=True)
    task = start(stand, stand.revision("odd"))
    assert sandbox_of(networks.of(task["taskArn"])[0]) not in {one, two}
    wait_for(lambda: networks.quiet() and not {one, two} & networks.sandboxes(), "new spares")
    end(stand, task["taskArn"])


@pytest.mark.parametrize("how", ["kill", "remove"])
def test_a_task_that_loses_its_sandbox_is_replaced(how: str, stand: Stand, networks: Networks) -> None:
    """It is over, for a reason that is told; its containers go, another one serves, and the other task served on."""
    stand.serve("blue", count=2)
    before = {task["taskArn"] for task in stand.tasks("blue")}
    lost = min(before)
    sandbox = networks.get(sandbox_of(networks.of(lost)[0]))
    sandbox.kill() if how == "kill" else sandbox.remove(force=True)
    ended = wait_for(lambda: seen(stand, lost, "STOPPED"), "the task to be over", 5)
    assert "EssentialContainerExited" == ended["stopCode"]
    assert "Essential container in task exited: the task's network was taken from outside" == ended["stoppedReason"]
    wait_for(lambda: len(stand.health(stand.blue)) == 2, "another target")
    wait_for(lambda: [one["State"] for one in stand.health(stand.blue)] == ["healthy"] * 2, "two healthy targets")
    after = {task["taskArn"] for task in stand.tasks("blue")}
    assert (before - {lost}) < after
    assert lost not in after
    with load(stand, ["/"]) as result:
        wait_for(lambda: len(result.answers) and not networks.of(lost), "the lost task's containers to be gone")
    assert [] == result.failures
    wait_for(lambda: sandbox.id not in networks.sandboxes() and networks.quiet(), "only what is needed")


@pytest.mark.parametrize("how", ["kill", "remove"])
def test_a_task_that_is_killed_takes_its_sandbox_along(how: str, stand: Stand, networks: Networks) -> None:
    """Whoever ends the container from outside, nothing is left but the spares."""
    task = start(stand, stand.revision("odd"))
    (container,) = networks.of(task["taskArn"])
    container.kill() if how == "kill" else container.remove(force=True)
    ended = wait_for(lambda: seen(stand, task["taskArn"], "STOPPED"), "the task to be over")
    assert 137 == ended["containers"][0]["exitCode"]
    wait_for(lambda: sandbox_of(container) not in networks.sandboxes(), "its sandbox to be gone")


def test_a_task_that_cannot_start_leaves_no_sandbox(stand: Stand, networks: Networks) -> None:
    """No such program in the image: the engine refuses to start it, after its network was there."""
    nonsense = stand.container("odd") | {"entryPoint": ["/no/such/program"]}
    arn = begin(stand, stand.register("odd", nonsense))
    ended = wait_for(lambda: seen(stand, arn, "STOPPED"), "the task to fail")
    assert "TaskFailedToStart" == ended["stopCode"]
    assert "/no/such/program" in ended["stoppedReason"]
    (container,) = networks.of(arn)
    wait_for(lambda: sandbox_of(container) not in networks.sandboxes(), "its sandbox to be gone")


def test_a_task_of_another_network_mode_has_no_sandbox(stand: Stand, networks: Networks, cloud: LocalCloud) -> None:
    """A bridge task is a container in the cloud's network, as before."""
    wait_for_spares(stand, networks)
    before = networks.sandboxes()
    arn = begin(stand, stand.register("odd", stand.container("odd"), mode="bridge"))
    wait_for(lambda: seen(stand, arn, "RUNNING"), "the task to run")
    (container,) = networks.of(arn)
    assert cloud.name == container.attrs["HostConfig"]["NetworkMode"]
    assert before == networks.sandboxes()
    address = container.attrs["NetworkSettings"]["Networks"][cloud.name]["IPAddress"]
    wait_for(lambda: listens(address), "the task to listen")
    end(stand, arn)


def wait_for_spares(stand: Stand, networks: Networks) -> None:
    """Wait until there are all spares; the first task of a cloud brings them about."""
    task = start(stand, stand.revision("odd"))
    taken = sandbox_of(networks.of(task["taskArn"])[0])
    end(stand, task["taskArn"])
    wait_for(lambda: taken not in networks.sandboxes() and networks.quiet(), "the spares")
