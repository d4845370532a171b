"""The measures of the table "How fast", each a function of the checkout that returns its Figure.

Where two things are compared they take turns (A B A B), so that whatever else the machine does meets both alike.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.aws_calls import NOTHING, ROLLED_BACK, ROLLING
from tests.bench import surroundings
from tests.bench.checkout import DEPLOY_S, Checkout
from tests.bench.figures import Figure, Goal, Samples
from tests.bench.programs import NotMeasured, Ran

LISTINGS = 20
DOCKER = """
import os, pathlib
from deployer.tools import docker_cli
print(docker_cli.find(os.environ, pathlib.Path()).program)
"""
LIST_TIMEOUT_S = 60


@dataclass(frozen=True, slots=True)
class Measure:
    """A row of the table. `repeat` is how often what is ours runs, unless the command line says otherwise."""

    name: str
    goal: Goal
    repeat: int
    take: Callable[[Checkout, Goal, int], Figure]


def cold(checkout: Checkout, goal: Goal, _: int) -> Figure:
    """A fresh clone, a fresh home, images that nobody has built, no cloud: to a live, proven environment."""
    checkout.begin(cold=True)
    ran = checkout.deploy("cold")
    answer = ran.json
    stages = {stage["name"]: stage for stage in answer["stages"]}
    # A stage may be skipped for good reasons; these three never are when there is nothing yet.
    idle = [name for name in ("build", "plan", "apply") if stages[name]["status"] != "ok"]
    if idle:
        raise NotMeasured(f"it was not cold: {', '.join(idle)} had nothing to do")
    path = "critical path"
    return Figure(
        "cold deploy",
        goal,
        Samples("inv deploy", (ran.seconds,)),
        Samples(path, (answer["critical_path_s"],)),
        notes=(
            f"{path}: {_told(answer['critical_path'], stages)}",
            f"before it, for .venv: {ran.seconds - answer['duration_s']:.1f} s",
        ),
        doubts=(
            *(f"{name} was cached" for name, stage in stages.items() if stage["status"] == "cached"),
            *ROLLING.excess(answer),
        ),
        details={"stages": answer["stages"], "aws_calls": answer["aws_calls"]},
    )


def backend_line(checkout: Checkout, goal: Goal, repeat: int) -> Figure:
    """One line of the backend changed and committed: to live and smoke-tested; in turns with plain.sh."""
    url = str(checkout.ready()["url"])
    script = _plain(checkout, url)
    ours: list[Ran] = []
    plain: list[Ran] = []

    def change(runs: list[Ran], deploy: Callable[[], Ran]) -> None:
        commit = checkout.commit_line()
        ran = deploy()
        _must_serve(checkout, commit)
        runs.append(ran)

    change(ours, lambda: checkout.deploy("backend-line"))
    try:
        for _ in range(max(1, repeat - 1)):
            change(plain, lambda: script("plain"))
            # The last word is ours: the measures after this one find a release of the ledger.
            change(ours, lambda: checkout.deploy("backend-line"))
        wrong = ""
    except NotMeasured as error:
        wrong = str(error)
    answer = ours[-1].json
    return Figure(
        "one backend line",
        goal,
        _samples("inv deploy", ours),
        _samples("plain.sh", plain) if plain else None,
        notes=(_longest(answer["stages"]), *_steps(plain[-1:])),
        doubts=ROLLING.excess(answer),
        wrong=wrong,
        details={"stages": answer["stages"], "aws_calls": answer["aws_calls"]},
    )


def nothing(checkout: Checkout, goal: Goal, repeat: int) -> Figure:
    """The commit that is live, deployed again."""
    checkout.ready()
    runs = [checkout.deploy("nothing") for _ in range(repeat)]
    answer = runs[-1].json
    asked = sum(answer["aws_calls"].values())
    return Figure(
        "nothing changed",
        goal,
        _samples("inv deploy", runs),
        notes=(_longest(answer["stages"]), f"{asked} AWS calls"),
        doubts=NOTHING.excess(answer) if asked else ("the cloud was not asked",),
        details={"stages": answer["stages"], "aws_calls": answer["aws_calls"]},
    )


def rollback(checkout: Checkout, goal: Goal, repeat: int) -> Figure:
    """To and fro between the two newest good releases."""
    live = checkout.ready()["release"]
    before = _good(checkout, live)
    if before is None:
        checkout.commit_line()
        checkout.deploy("setup")
        live, before = checkout.status()["release"], live
    runs = []
    for turn in range(repeat):
        target = live if turn % 2 else before
        runs.append(checkout.inv("rollback", "rollback", "--env=dev", f"--to={target}", "--json"))
        status = checkout.status()
        if (status.get("release"), status.get("healthy")) != (target, True):
            raise NotMeasured(f"after the rollback to {target} {status.get('release')} serves")
    answer = runs[-1].json
    return Figure(
        "rollback",
        goal,
        _samples("inv rollback", runs),
        notes=(_longest(answer["stages"]),),
        doubts=ROLLED_BACK.excess(answer),
        details={"stages": answer["stages"], "aws_calls": answer["aws_calls"]},
    )


def listing(checkout: Checkout, goal: Goal, repeat: int) -> Figure:
    """`inv --list`, in turns with an empty tasks.py under the same invoke."""
    checkout.present()
    checkout.inv("setup", "--version")
    argv = [str(checkout.path / ".venv" / "bin" / "inv"), "--list"]
    ours: list[Ran] = []
    empty: list[Ran] = []
    with tempfile.TemporaryDirectory(prefix="empty-") as folder:
        Path(folder, "tasks.py").touch()
        # Once untimed: byte code is compiled by whoever comes first.
        for keep in (False, *([True] * repeat)):
            mine = checkout.programs.run("list", argv, timeout_s=LIST_TIMEOUT_S)
            # invoke ends with 1 where there is no task to list.
            theirs = checkout.programs.run(
                "list-empty", [*argv, "--search-root", folder], timeout_s=LIST_TIMEOUT_S, codes=(0, 1)
            )
            if keep:
                ours.append(mine)
                empty.append(theirs)
    return Figure("inv --list", goal, _samples("inv --list", ours), _samples("empty tasks.py", empty))


def _plain(checkout: Checkout, url: str) -> Callable[[str], Ran]:
    """The plain script in its surroundings; its Terraform is initialised, untimed."""
    images, cloud = checkout.inv("images", "images", "--json").json, checkout.cloud()
    given = {"BASE_IMAGE": images["base"], "REGISTRY": cloud["registry"], "SITE_URL": url}
    given["AWS_ENDPOINT"] = cloud["endpoint_url"]
    python = str(checkout.path / ".venv" / "bin" / "python")
    given["DOCKER"] = checkout.programs.run("docker", [python, "-c", DOCKER], timeout_s=60).stdout.strip()
    script = checkout.programs.with_env({**surroundings.of_script(checkout.env, checkout.path), **given})
    argv = ["tests/bench/plain.sh"]
    script.run("plain-init", [*argv, "init"], timeout_s=DEPLOY_S)
    return lambda name: script.run(name, argv, timeout_s=DEPLOY_S)


def _must_serve(checkout: Checkout, commit: str) -> None:
    status = checkout.status()
    if (status.get("commit"), status.get("healthy")) != (commit, True):
        raise NotMeasured(f"{commit[:12]} was deployed and {status.get('commit')} serves: {status.get('doubts')}")


def _good(checkout: Checkout, live: str) -> str | None:
    """The newest good deployment other than the live one."""
    history = checkout.history()
    good = (row["release"] for row in history if row["outcome"] == "good" and not row.get("restores"))
    return next((release for release in good if release != live), None)


def _samples(of: str, runs: Sequence[Ran]) -> Samples:
    return Samples(of, tuple(run.seconds for run in runs))


def _told(path: Sequence[str], stages: Mapping[str, Mapping[str, Any]]) -> str:
    return " → ".join(f"{name} {stages[name]['duration_s']:.1f}" for name in path)


def _longest(stages: Sequence[Mapping[str, Any]]) -> str:
    """Where the last run spent its time."""
    slow = sorted(stages, key=lambda stage: -float(stage["duration_s"]))[:6]
    return "longest stages, s: " + ", ".join(f"{s['name']} {s['duration_s']:.1f} ({s['status']})" for s in slow)


def _steps(plain: Sequence[Ran]) -> list[str]:
    """When the plain script began each of its steps."""
    lines = [line.split(None, 3)[1:] for run in plain for line in run.log.read_text().splitlines() if _is_step(line)]
    told = ", ".join(f"{words[-1]} {words[0]}" for words in lines)
    return [f"plain.sh began, s: {told}"] if told else []


def _is_step(line: str) -> bool:
    return line.startswith("plain: ")


def measures() -> tuple[Measure, ...]:
    """All of them, in the order in which each finds what the one before left: cold makes what the rest need."""
    from tests.bench import plans, redeploy
    from tests.bench.weights import weights_back

    return (
        Measure("cold", Goal(300, 1.2), 1, cold),
        Measure("list", Goal(most_ratio=1.5), LISTINGS, listing),
        Measure("nothing", Goal(3), 5, nothing),
        Measure("backend-line", Goal(20, 0.5), 3, backend_line),
        Measure("rollback", Goal(10), 4, rollback),
        Measure("redeploy-backend", Goal(most_ratio=0.5), 5, redeploy.backend),
        Measure("redeploy-frontend", Goal(most_ratio=0.5), 5, redeploy.frontend),
        Measure("weights-back", Goal(2), 3, weights_back),
        Measure("plan-dev", Goal(10), 3, plans.of("dev")),
        Measure("plan-staging", Goal(10), 3, plans.of("staging")),
        Measure("plan-prod", Goal(10), 3, plans.of("prod")),
    )
