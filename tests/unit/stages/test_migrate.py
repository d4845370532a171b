"""migrate: the schema moves to the release's head, by the release's own image, before traffic."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deployer.errors import ReleaseFailed, StateUncertain
from deployer.model import Image
from deployer.ports import World
from deployer.stages import migrate
from tests import examples
from tests.fakes import Fakes

RELEASE = replace(examples.release(), images={"backend": Image("backend", "indivillage/backend", "sha256:abc")})


@pytest.mark.parametrize(
    ("lines", "head"),
    [
        (("INFO  Running upgrade  -> 0001_forms, forms", "0001_forms (head)"), "0001_forms"),
        (("0002_uploads (head)",), "0002_uploads"),
        (("4f3e2d1c0b9a (head) (mergepoint)",), "4f3e2d1c0b9a"),
        (("0001 (head)", "0002 (head)"), "0002"),
        (("INFO  Will assume transactional DDL.",), ""),
        (("0001_forms",), ""),
        ((), ""),
    ],
)
def test_the_head_is_read_from_what_alembic_says(fakes: Fakes, world: World, lines: tuple[str, ...], head: str) -> None:
    """The last revision called head; what is not the head is not taken for it. Every line is passed on."""
    fakes.compute.task_log = lines

    outcome = migrate.run(RELEASE, world)

    assert head == outcome.learned["migration_head"]
    assert (f"schema at {head}" if head else "schema is current") == outcome.note
    assert list(lines) == fakes.said


def test_it_runs_the_release_s_own_backend(fakes: Fakes, world: World) -> None:
    """Registered for this release by digest, run once, with a limit."""
    migrate.run(RELEASE, world)

    assert [("backend", RELEASE.id)] == fakes.compute.called("register")
    [(service, arn, command, timeout_s)] = fakes.compute.called("run_task")
    assert ("backend", 600.0) == (service, timeout_s)
    assert str(arn).endswith("task-definition/indivillage-dev-backend:1")
    assert isinstance(command, tuple)
    assert "main(['upgrade', 'head'])" in command[-1]


def test_the_backend_s_task_definition_is_learned(fakes: Fakes, world: World) -> None:
    """What deploy runs is what migrated: it is registered once."""
    outcome = migrate.run(RELEASE, world)

    assert {"backend": fakes.compute.called("run_task")[0][1]} == outcome.learned["task_definitions"]


def test_a_failed_migration_is_a_failed_release(fakes: Fakes, world: World) -> None:
    """Exit code 20, in ECS's words."""
    fakes.compute.fail("run_task", ReleaseFailed("migrate", "exit code 1"))

    with pytest.raises(ReleaseFailed, match="exit code 1"):
        migrate.run(RELEASE, world)


def test_a_lost_lease_stops_it(fakes: Fakes, world: World) -> None:
    """The schema belongs to whoever holds the environment now."""
    fakes.lease.acquire("us", RELEASE.id)
    fakes.lease.lose("them")

    with pytest.raises(StateUncertain):
        migrate.run(RELEASE, world)

    assert [] == fakes.compute.called("run_task")


def test_a_migration_that_fails_says_what_stays_of_the_schema(fakes: Fakes, world: World) -> None:
    """Whoever reads it has to know whether the database was left half way."""
    failure = ReleaseFailed("running python3", "it ended with exit code 1", details=("  | boom",))
    fakes.compute.fail("run_task", failure)

    with pytest.raises(ReleaseFailed) as caught:
        migrate.run(RELEASE, world)

    assert "migrate the database: it ended with exit code 1" == str(caught.value)
    assert ("  | boom",) == caught.value.details
    assert "those before it stay in the schema" in caught.value.hint
