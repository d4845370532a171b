"""compare: a deploy that would change nothing changes nothing, and any doubt lets it go on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from deployer import config, pipelines, reports
from deployer.errors import GateFailed, ReleaseFailed
from deployer.model import SERVICES, Color, Plan, Record, Release, Scaling, Status, Verdict
from deployer.pipeline import Stop, execute
from deployer.ports import World
from deployer.stages import compare
from tests import examples
from tests.fakes import Fakes, Heard

FIRST = examples.release()
AGAIN = replace(FIRST, id="dev-20260305T000000Z-0123456")
NOTHING = Plan(Path("x.tfplan"), "abc", ())


def deploy(world: World, release: Release) -> Release:
    """Take `release` through the whole pipeline; what became of it."""
    report = execute(pipelines.DEPLOY, release, world, Heard(), Stop())
    assert Verdict.GOOD is report.verdict
    world.ledger.write(Record.of(report.release, Verdict.GOOD))
    return report.release


@pytest.fixture
def asked(world: World) -> Release:
    """What serves, asked for once more."""
    deployed = deploy(world, FIRST)
    return replace(AGAIN, built=deployed.built, plan=NOTHING)


def test_the_same_again_is_the_release_that_serves(fakes: Fakes, world: World, asked: Release) -> None:
    """It is named, and nothing is left to do."""
    outcome = compare.run(asked, world)

    assert ({"already": FIRST.id}, compare.SETTLED) == (outcome.learned, outcome.settled)


def test_a_whole_deploy_of_the_same_changes_nothing(fakes: Fakes, world: World, asked: Release) -> None:
    """The gates still judge; no call of it changes anything, and the ledger gets no line.

    The schedule is looked after all the same, where there is one: it is no part of what serves.
    """
    for fake in (fakes.compute, fakes.registry, fakes.traffic, fakes.probe, fakes.ledger):
        fake.calls.clear()
    report = execute(pipelines.DEPLOY, AGAIN, world, Heard(), Stop())

    assert (FIRST.id, Verdict.GOOD) == (reports.live(report), report.verdict)
    skipped = [result.name for result in report.results if result.status is Status.SKIPPED]
    assert sorted([*compare.SETTLED, "schedule"]) == sorted(skipped)
    changing = ("register", "roll_out", "scale", "run_task", "push", "tag", "set_weights", "smoke", "write")
    fake_ports = (fakes.compute, fakes.registry, fakes.traffic, fakes.probe, fakes.ledger)
    assert [] == [call for fake in fake_ports for call in fake.calls if call[0] in changing]


def test_a_gate_that_says_no_is_no_release_of_what_serves(fakes: Fakes, world: World, asked: Release) -> None:
    """The answer names the run that failed; what serves did not fail."""
    fakes.gates.fail("run", GateFailed("scan", "a secret"), "scan")
    report = execute(pipelines.DEPLOY, AGAIN, world, Heard(), Stop())

    assert (AGAIN.id, Verdict.FAILED) == (reports.live(report), report.verdict)


@pytest.mark.parametrize(
    ("difference", "note"),
    [
        (lambda f, r: replace(r, commit="f" * 40), "another commit or configuration"),
        (lambda f, r: replace(r, config_hash="other"), f"{FIRST.id} was deployed with other settings"),
        (
            lambda f, r: replace(r, built={n: replace(b, image_id="sha256:new") for n, b in r.built.items()}),
            "another image",
        ),
        (lambda f, r: replace(r, plan=replace(NOTHING, changes=(("create", "aws_vpc.x"),))), "infrastructure changes"),
        (lambda f, r: replace(r, plan=None), "infrastructure changes"),
    ],
)
def test_what_is_asked_for_otherwise_is_deployed(
    fakes: Fakes, world: World, asked: Release, difference: Callable[[Fakes, Release], Release], note: str
) -> None:
    """Nothing is settled, and people read what differs."""
    outcome = compare.run(difference(fakes, asked), world)

    assert ((), {}) == (outcome.settled, outcome.learned)
    assert note in outcome.note


def test_only_the_limits_of_autoscaling_are_other(fakes: Fakes, world: World, asked: Release, tmp_path: Path) -> None:
    """No plan shows them, since Terraform leaves them to the deployer; of a dirty tree no task definition does.

    The roll-out that follows is what sets them (tests/unit/aws/test_capacity.py).
    """
    file = tmp_path / config.ENVIRONMENTS_FOLDER / "production" / "terraform.tfvars"
    file.parent.mkdir(parents=True)
    text = (examples.ROOT / config.ENVIRONMENTS_FOLDER / "production" / "terraform.tfvars").read_text(encoding="utf-8")
    hashes = []
    for most in ("10", "12"):
        assert 1 == text.count("max            = 10\n")
        file.write_text(text.replace("max            = 10\n", f"max            = {most}\n"), encoding="utf-8")
        hashes.append(config.load(tmp_path, "production").config_hash)
    fakes.ledger.records[FIRST.id] = replace(fakes.ledger.records[FIRST.id], config_hash=hashes[0])

    same = compare.run(replace(asked, config_hash=hashes[0]), world)
    other = compare.run(replace(asked, config_hash=hashes[1]), world)

    assert (compare.SETTLED, ()) == (same.settled, other.settled)
    assert f"{FIRST.id} was deployed with other settings" == other.note


def _scaled(fakes: Fakes, **fields: object) -> None:
    live = fakes.compute.live("backend", Color.BLUE)
    fakes.compute.told["backend", Color.BLUE] = replace(live, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("spoil", "note"),
    [
        (lambda f: f.traffic.split.update({Color.BLUE: 90, Color.GREEN: 10}), "traffic is split"),
        (lambda f: _scaled(f, desired=0), "backend runs 0 tasks"),
        (lambda f: _scaled(f, content=""), "backend has another image"),
        (lambda f: _scaled(f, running=0), "0 of 1 tasks run"),
        (lambda f: f.traffic.states.update({("frontend", Color.BLUE): "unhealthy"}), "is unhealthy"),
        (lambda f: f.ledger.records.clear(), "never proven"),
        (lambda f: f.probe.fail("version", ReleaseFailed("GET", "503")), "503"),
        (lambda f: f.registry.digests.clear(), "another image"),
    ],
)
def test_any_doubt_about_what_serves_lets_the_release_go_on(
    fakes: Fakes, world: World, asked: Release, spoil: Callable[[Fakes], None], note: str
) -> None:
    """A short cut is only for what is beyond doubt."""
    spoil(fakes)

    outcome = compare.run(asked, world)

    assert () == outcome.settled
    assert note in outcome.note


@pytest.fixture
def scaled(fakes: Fakes, world: World, asked: Release) -> World:
    """The same where autoscaling moves a service between two and four tasks; two of each are configured."""
    fakes.infrastructure.topology_or_none = examples.SCALED
    services = {name: replace(service, count=2) for name, service in examples.ENVIRONMENT.services.items()}
    return replace(world, environment=replace(examples.ENVIRONMENT, scaling=Scaling(2, 4), services=services))


@pytest.mark.parametrize(
    ("wanted", "runs", "note"),
    [
        (1, 1, "backend runs 1 tasks, not 2 to 4"),
        (2, 2, ""),
        (3, 2, ""),  # a third is asked for, and not there yet
        (4, 4, ""),
        (3, 4, ""),  # the fourth is on its way out
        (5, 5, "backend runs 5 tasks, not 2 to 4"),
        (3, 1, "backend is COMPLETED, 1 of 3 tasks run"),
    ],
)
def test_what_autoscaling_made_of_the_count_is_no_difference(
    fakes: Fakes, scaled: World, asked: Release, wanted: int, runs: int, note: str
) -> None:
    """It owns the count between the environment's limits; outside of them a release sets the limits anew."""
    for service in SERVICES:
        live = fakes.compute.live(service, Color.BLUE)
        fakes.compute.told[service, Color.BLUE] = replace(live, desired=2, running=2)
    _scaled(fakes, desired=wanted, running=runs)

    outcome = compare.run(asked, scaled)

    assert (note or f"{FIRST.id} serves, healthy, and is all of this") == outcome.note
    assert (() if note else compare.SETTLED) == outcome.settled


def test_the_count_that_is_configured_is_none_either(fakes: Fakes, scaled: World, asked: Release) -> None:
    """Not even where it lies outside of the limits: else every deploy would be one of a difference."""
    narrow = replace(scaled, environment=replace(scaled.environment, scaling=Scaling(3, 4)))
    for service in SERVICES:
        live = fakes.compute.live(service, Color.BLUE)
        fakes.compute.told[service, Color.BLUE] = replace(live, desired=2, running=2)

    assert compare.SETTLED == compare.run(asked, narrow).settled


def test_where_nothing_scales_fewer_than_configured_is_a_difference(
    fakes: Fakes, scaled: World, asked: Release
) -> None:
    """On the local cloud nobody else would bring them back."""
    fakes.infrastructure.topology_or_none = examples.TOPOLOGY

    assert "backend runs 1 tasks" == compare.run(asked, scaled).note


def test_a_release_that_failed_is_not_called_proven(fakes: Fakes, world: World, asked: Release) -> None:
    """However well it runs now."""
    fakes.ledger.records[FIRST.id] = replace(fakes.ledger.records[FIRST.id], outcome=Verdict.FAILED)

    assert f"{FIRST.id} was never proven" == compare.run(asked, world).note
