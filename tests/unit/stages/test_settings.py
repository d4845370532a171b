"""settings: what the environment's file leaves out is told before anything is done."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from deployer import config, pipelines
from deployer.errors import GateFailed
from deployer.model import Environment, Verdict
from deployer.pipeline import Stop, execute
from deployer.ports import World
from deployer.stages import settings
from tests import examples
from tests.fakes import Fakes, Heard

CLOSED = replace(examples.ENVIRONMENT, cloud="aws", strategy="blue_green")


def failure(world: World) -> GateFailed:
    """What the stage says no with."""
    with pytest.raises(GateFailed) as caught:
        settings.run(examples.release(), world)
    return caught.value


@pytest.mark.parametrize("stages", [pipelines.DEPLOY, pipelines.DEPLOY_ANEW], ids=["DEPLOY", "DEPLOY_ANEW"])
def test_a_test_listener_that_nobody_reaches_stops_a_deploy_before_its_first_change(
    fakes: Fakes, world: World, stages: tuple[pipelines.Stage, ...]
) -> None:
    """On AWS it is open to access.test_cidrs alone: the release would come up for minutes, only to fail its proof."""
    report = execute(stages, examples.release(), replace(world, environment=CLOSED), Heard(), Stop())

    assert (Verdict.FAILED, 10) == (report.verdict, report.error.exit_code if report.error else 0)
    assert report.reason.startswith("release to development: access.test_cidrs is empty in terraform.tfvars: nobody")
    assert [] == [
        call
        for fake in (fakes.infrastructure, fakes.registry, fakes.compute, fakes.traffic, fakes.ledger)
        for call in fake.calls
        if call[0] in ("apply", "push", "tag", "register", "roll_out", "scale", "run_task", "set_weights", "write")
    ]


@pytest.mark.parametrize("name", ["staging", "production"])
def test_the_file_as_shipped_is_named_and_the_hint_mends_it(tmp_path: Path, world: World, name: str) -> None:
    """By its path in the repository, whatever tree is released; what the hint says, done, is what lets it pass."""
    file = config.ENVIRONMENTS_FOLDER / name / "terraform.tfvars"
    tree = tmp_path / "worktree"
    (tree / file).parent.mkdir(parents=True)
    text = (examples.ROOT / file).read_text(encoding="utf-8")
    (tree / file).write_text(text, encoding="utf-8")
    shipped = replace(world, root=tree, environment=config.load(tree, name))

    error = failure(shipped)

    assert error.seen.startswith(f"access.test_cidrs is empty in {file}: ")
    line = re.search(r"test_cidrs = \[.+?\]", error.hint)
    assert line
    assert 1 == text.count("test_cidrs = []"), "it stands where access is"
    (tree / file).write_text(text.replace("test_cidrs = []", line[0]), encoding="utf-8")
    settings.run(examples.release(), replace(shipped, environment=config.load(tree, name)))


@pytest.mark.parametrize(
    "harmless",
    [
        replace(examples.ENVIRONMENT, cloud="aws", strategy="blue_green", test_cidrs=("203.0.113.0/24",)),
        replace(examples.ENVIRONMENT, cloud="aws", strategy="rolling"),
        replace(examples.ENVIRONMENT, cloud="local", strategy="blue_green"),
    ],
)
def test_where_the_test_listener_is_open_or_unused(world: World, harmless: Environment) -> None:
    """The local cloud has no security groups, and a rolling update asks no test listener."""
    settings.run(examples.release(), replace(world, environment=harmless))
