"""Redeploy one service whose image is already in the registry: ours, PyPI's ecs-deploy, the AWS CLI, under load.

All three register or force a new deployment of the same image in the same ECS service and wait until it is stable, each
in a process of its own, while the same constant load runs through the public load balancer and the frontend to it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from deployer.model import SERVICES
from localcloud.extension.sandbox import SPARE_NAME, SPARES
from tests.bench import surroundings
from tests.bench.checkout import Checkout
from tests.bench.figures import Figure, Goal, Samples
from tests.bench.programs import NotMeasured, Programs, Ran
from tests.load.answers import Seen, together
from tests.load.balancer import balancer
from tests.load.generator import load
from tests.load.kinds import fresh

RATE = 100
"""Requests a second."""
MOST_S = 150.0
CLUSTER = "indivillage-dev"
TIMEOUT_S = 140
SETTLE_S = 60
PAUSE_S = 0.3
ONE_DEPLOYMENT = "length(services[0].deployments) == `1` && services[0].runningCount == services[0].desiredCount"


def backend(checkout: Checkout, goal: Goal, repeat: int) -> Figure:
    """The backend: Python, which has modules to load before it listens."""
    return _redeploy("backend", checkout, goal, repeat)


def frontend(checkout: Checkout, goal: Goal, repeat: int) -> Figure:
    """The frontend: nginx, which listens at once."""
    return _redeploy("frontend", checkout, goal, repeat)


def _redeploy(container: str, checkout: Checkout, goal: Goal, repeat: int) -> Figure:
    """Ours against ecs-deploy, in turns, dropped requests of both counted; the AWS CLI for reference."""
    status, cloud = checkout.ready(), checkout.cloud()
    image = f"{cloud['registry']}/indivillage/{container}@{status['services'][container]['digest']}"
    service = f"{CLUSTER}-{container}-blue"
    tools = checkout.programs.with_env(surroundings.of_cloud(checkout.env, cloud["endpoint_url"]))
    python = str(checkout.path / ".venv" / "bin" / "python")
    sides: dict[str, Callable[[], list[Ran]]] = {
        "ours": lambda: [_one(checkout.programs, "redeploy-ours", python, "-m", "tests.bench.redeploy_one", container)],
        # It would deregister the revision before, one call more and no way back for a rollback.
        "ecs-deploy": lambda: [
            _one(tools, "ecs-deploy", "ecs", "deploy", CLUSTER, service, "--image", container, image, "--no-deregister")
        ],
        "aws": lambda: [
            _one(tools, "aws-update", *_aws("update-service", "--service", service, "--force-new-deployment")),
            _one(tools, "aws-wait", *_aws("wait", "services-stable", "--services", service)),
        ],
    }
    seconds: dict[str, list[float]] = {side: [] for side in sides}
    parts: list[dict[str, Any]] = []
    met: dict[str, list[Seen]] = {side: [] for side in sides}
    for _ in range(repeat):
        for side, run in sides.items():
            _settle(tools, service)
            _rest(checkout)
            with load(str(status["url"]), [fresh(RATE)], most_s=MOST_S, at=balancer(cloud["name"])) as seen:
                ran = run()
            seconds[side].append(sum(one.seconds for one in ran))
            parts += [ran[0].json] if side == "ours" else []
            met[side].append(seen)
    loads = {side: together(seen) for side, seen in met.items()}
    reference = Samples("aws update-service + wait", tuple(seconds["aws"]))
    names = {"ours": "ours", "ecs-deploy": "ecs-deploy", "aws": f"{reference.of} ({reference.told()})"}
    return Figure(
        f"redeploy {container}",
        goal,
        Samples("redeploy_one.py", tuple(seconds["ours"])),
        Samples("ecs-deploy", tuple(seconds["ecs-deploy"])),
        notes=(
            *(f"{names[side]}: {seen.told()}" for side, seen in loads.items()),
            "ours without lock and journal, which neither of the others has",
        ),
        doubts=(f"ours dropped {loads['ours'].dropped} requests",) if loads["ours"].dropped else (),
        details={
            "requests_per_s": RATE,
            "ours": parts,
            "reference": {"of": reference.of, "seconds": [round(second, 3) for second in reference.seconds]},
            "requests": {side: {"sent": seen.sent, "outcomes": seen.outcomes()} for side, seen in loads.items()},
        },
    )


def _aws(*words: str) -> tuple[str, ...]:
    """An `aws ecs` command on the cluster."""
    return ("aws", "ecs", *words, "--cluster", CLUSTER)


def _one(programs: Programs, name: str, *argv: str) -> Ran:
    return programs.run(name, argv, timeout_s=TIMEOUT_S)


def _settle(tools: Programs, service: str) -> None:
    """Wait, untimed, until ECS has nothing left to do of the deployment before."""
    ask = _aws("describe-services", "--services", service, "--query", ONE_DEPLOYMENT)
    _wait_until(lambda: _one(tools, "settle", *ask).stdout.strip() == "true", f"{service} did not settle")


def _rest(checkout: Checkout) -> None:
    """Wait, untimed, until nothing of the task before is left, and every spare network is there again.

    The cloud ends a task and replaces a network seconds after the deployment, and takes a processor for it: that would
    fall into whatever is measured next.
    """
    spare = SPARE_NAME.removeprefix("ministack")

    def calm() -> bool:
        names = [one["name"] for one in checkout.cloud()["containers"]]
        spares = sum(spare in name for name in names)
        return (spares, len(SERVICES)) == (SPARES, sum(name.endswith(".sandbox") for name in names))

    _wait_until(calm, "the local cloud did not come to rest")


def _wait_until(holds: Callable[[], bool], else_: str) -> None:
    until = time.monotonic() + SETTLE_S
    while not holds():
        if time.monotonic() > until:
            raise NotMeasured(f"{else_} within {SETTLE_S} s")
        time.sleep(PAUSE_S)
