"""verify: what the release leans on exists and agrees, or nothing is touched."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deployer.errors import GateFailed
from deployer.model import Color, Harm, Image, Record, Release, Verdict
from deployer.ports import World
from deployer.stages import verify
from tests import examples
from tests.fakes import Fakes

IMAGE = Image("backend", "indivillage/backend", "sha256:abc")


def failure(release: Release, world: World) -> GateFailed:
    """What verify says no with."""
    with pytest.raises(GateFailed) as caught:
        verify.run(release, world)
    return caught.value


def test_all_is_well(fakes: Fakes, world: World) -> None:
    """Nothing is missing; the note says how many images were looked for."""
    outcome = verify.run(replace(examples.release(), images={"backend": IMAGE}), world)

    assert "roles, 1 images, secrets, logs, targets and ports agree" == outcome.note
    assert [(examples.release().id,)] == fakes.preflight.called("problems")


def test_every_problem_is_told_at_once(fakes: Fakes, world: World) -> None:
    """Nobody mends one thing only to hear of the next."""
    fakes.preflight.found = ("role a is missing", "secret b is missing")

    error = failure(replace(examples.release(), images={"backend": IMAGE}), world)

    assert ("role a is missing", "secret b is missing") == error.details
    assert "2 problems: role a is missing" == error.seen


def test_one_problem_is_one(fakes: Fakes, world: World) -> None:
    """Grammar is part of the product."""
    fakes.preflight.found = ("role a is missing",)

    assert "1 problem: role a is missing" == failure(examples.release(), world).seen


def test_a_test_listener_that_nobody_reaches_is_refused(fakes: Fakes, world: World) -> None:
    """On AWS it is open to access.test_cidrs alone: the release would come up for minutes, only to fail its proof."""
    closed = replace(examples.ENVIRONMENT, cloud="aws", strategy="blue_green")

    error = failure(examples.release(), replace(world, environment=closed))

    assert 10 == error.exit_code
    assert error.seen.startswith("access.test_cidrs is empty in terraform.tfvars: nobody reaches the test listener")
    assert [] == fakes.preflight.called("problems")


def test_a_rollback_is_told_and_not_refused(fakes: Fakes, world: World) -> None:
    """The color that still runs is one change of weights away: nothing may stand before that."""
    closed = replace(examples.ENVIRONMENT, cloud="aws", strategy="blue_green")
    said: list[str] = []

    verify.SCHEMA_STAYS.run(examples.release(), replace(world, environment=closed, say=said.append))

    assert ["access.test_cidrs is empty in terraform.tfvars"] == [line.split(":")[0] for line in said]
    assert [(examples.release().id,)] == fakes.preflight.called("problems")


DROP = Harm("docker/backend/migrations/versions/0002_x.py", 14, "drops a column")


def serve(fakes: Fakes, head: str) -> None:
    """A release is live whose schema ended at `head`."""
    live = replace(examples.release(), migration_head=head)
    fakes.compute.serve(live, Color.BLUE)
    fakes.ledger.records[live.id] = Record.of(live, Verdict.GOOD)


def test_a_migration_that_breaks_the_live_release_is_refused(fakes: Fakes, world: World) -> None:
    """Exit 10, before anything is touched: file, operation and the next step."""
    serve(fakes, "0001")
    fakes.migrations.found = {"0001": (DROP, replace(DROP, line=15, what="renames a table"))}

    error = failure(examples.release(), world)

    assert 10 == error.exit_code
    assert f"2 would break release {examples.release().id}, which is live: {DROP.file}:14 drops a column" == error.seen
    assert (f"{DROP.file}:14 drops a column", f"{DROP.file}:15 renames a table") == error.details
    assert 'contract = "why"' in error.hint


def test_a_contract_lets_it_pass_and_is_told(fakes: Fakes, world: World) -> None:
    """Who reads the run's log sees what was taken away, and why that was said to be safe."""
    serve(fakes, "0001")
    fakes.migrations.found = {"0001": (replace(DROP, contract="nobody reads topic since May"),)}

    outcome = verify.run(examples.release(), world)

    assert outcome.note.endswith("agree, 1 by contract")
    assert [f"{DROP.file}:14 drops a column, by its contract: nobody reads topic since May"] == fakes.said


def test_one_contract_does_not_speak_for_another_file(fakes: Fakes, world: World) -> None:
    """Each revision answers for itself."""
    serve(fakes, "0001")
    fakes.migrations.found = {"0001": (replace(DROP, contract="why"), replace(DROP, file="0003.py"))}

    assert ("0003.py:14 drops a column",) == failure(examples.release(), world).details


def test_what_the_live_release_needs_may_be_unknown(fakes: Fakes, world: World) -> None:
    """Its record is gone: then every revision counts."""
    fakes.compute.serve(examples.release(), Color.BLUE)
    fakes.migrations.found = {"": (DROP,)}

    assert DROP.file in failure(examples.release(), world).seen


def test_the_first_release_can_break_nobody(fakes: Fakes, world: World) -> None:
    """Nothing is live."""
    fakes.migrations.found = {"": (DROP,)}

    verify.run(examples.release(), world)
    assert [] == fakes.migrations.called("harm")


def test_the_live_release_is_the_one_that_visitors_reach(fakes: Fakes, world: World) -> None:
    """Not what idles in the other color."""
    serve(fakes, "0001")
    fakes.compute.serve(replace(examples.release(), id="dev-20250101T000000Z-0000000"), Color.GREEN)
    fakes.traffic.split = {Color.BLUE: 90, Color.GREEN: 10}

    verify.run(examples.release(), world)
    assert [("0001",)] == fakes.migrations.called("harm")


def test_a_release_that_migrates_nothing_is_not_asked(fakes: Fakes, world: World) -> None:
    """A release of the ledger comes again: the schema stays as it is."""
    serve(fakes, "0001")
    fakes.migrations.found = {"0001": (DROP,)}

    verify.SCHEMA_STAYS.run(examples.release(), world)
