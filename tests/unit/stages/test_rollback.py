"""rollback: a known good release as one unit, never `revision minus one`."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from deployer.errors import GateFailed, InputError
from deployer.model import SERVICES, Color, Image, Record, Verdict
from deployer.ports import World
from deployer.stages import rollback
from tests import examples
from tests.fakes import Fakes


def record(name: str, outcome: Verdict | None = Verdict.GOOD, restores: str = "") -> Record:
    """A record; those with later names began later."""
    begun = replace(examples.release(), started_at=examples.NOW + timedelta(hours=ord(name)))
    return replace(
        Record.of(begun, outcome), release=name, restores=restores, kind="rollback" if restores else "deploy"
    )


def history(*records: Record) -> tuple[Record, ...]:
    """Newest first, as the ledger gives it."""
    return tuple(sorted(records, key=lambda r: r.started_at, reverse=True))


A, B, C, D = (record(name) for name in "abcd")
FAILED, BACK, CUT = record("b", Verdict.ROLLED_BACK), record("d", Verdict.ROLLED_BACK), record("d", None)
FAILED_LATE = record("e", Verdict.FAILED)


@pytest.mark.parametrize(
    ("records", "live", "chosen"),
    [
        (history(A, B), "b", "a"),
        (history(A, B, C), "c", "b"),
        (history(A, FAILED, C), "c", "a"),
        (history(A, B, C, BACK), "c", "b"),
        (history(A, B, C, CUT), "c", "b"),
        (history(A, B, C, record("d", restores="a")), "b", "a"),
        (history(A, B, record("c", restores="a"), D), "d", "a"),
        (history(A, B, record("c", restores="b"), FAILED_LATE), "b", "a"),
        (history(A, record("c", restores="z"), D), "d", "a"),
        (history(A, B, CUT), "d", "b"),
        (history(A, B), "never recorded", "b"),
        (history(A, B), "", "b"),
    ],
    ids=[
        "the one before", "not the first one", "a failed one is passed over", "a later failure does not matter",
        "a cut off one neither", "before what is live, not before what is newest", "not what was rolled back from",
        "back to what is live",
        "what is forgotten is passed over",
        "live is not good", "live is unknown", "nothing is live",
    ],
)  # fmt: skip
def test_the_last_good_release_before_the_live_one(records: tuple[Record, ...], live: str, chosen: str) -> None:
    """What ECS says is live decides where `before` is."""
    assert chosen == rollback.choose(records, live).release


@pytest.mark.parametrize(
    ("records", "live"), [((), ""), (history(A), "a"), (history(FAILED), "b"), (history(B, C), "b")]
)
def test_nothing_to_go_back_to(records: tuple[Record, ...], live: str) -> None:
    """Exit code 2, saying before which release nothing stands."""
    with pytest.raises(InputError) as caught:
        rollback.choose(records, live)

    assert f"no good release stands before {live or 'the first one'}" == caught.value.seen


def test_to_names_the_release() -> None:
    """Also one that is newer than the live one."""
    assert [A, C] == [rollback.choose(history(A, B, C), "b", to) for to in ("a", "c")]


def test_to_a_rollback_means_what_it_restored() -> None:
    """Its images and task definitions are those of the release behind it."""
    assert A == rollback.choose(history(A, B, C, record("d", restores="a")), "c", "d")


@pytest.mark.parametrize(
    ("to", "seen"),
    [
        ("x", "the ledger has no release x"),
        ("b", "b never was good (rolled-back)"),
        ("d", "d never was good (unfinished)"),
    ],
)
def test_to_something_that_cannot_be_restored(to: str, seen: str) -> None:
    """Exit code 2, and why."""
    with pytest.raises(InputError) as caught:
        rollback.choose(history(A, FAILED, C, CUT), "c", to)

    assert seen == caught.value.seen


def test_images_that_are_gone_are_a_failed_gate(fakes: Fakes, world: World) -> None:
    """Before anything is touched; the other image being there does not help."""
    images = {name: Image(name, f"indivillage/{name}", f"sha256:{name}") for name in SERVICES}
    fakes.registry.digests.add(("indivillage/backend", "sha256:backend"))

    with pytest.raises(GateFailed, match=r"indivillage/frontend@sha256:frontend is not in the registry") as caught:
        rollback.run(replace(examples.release(), images=images, restores="a"), world)

    assert "roll back to a" == caught.value.attempted


def test_images_that_are_there_pass(fakes: Fakes, world: World) -> None:
    """The note says where it goes."""
    image = Image("backend", "indivillage/backend", "sha256:abc")
    fakes.registry.digests.add((image.repository, image.digest))

    asked = replace(examples.release(), images={"backend": image})
    assert "back to a" == rollback.run(replace(asked, restores="a"), world).note
    assert "its images are in the registry" == rollback.run(asked, world).note


def test_what_serves_already_is_only_proven_again(fakes: Fakes, world: World) -> None:
    """A dead run was put right when the lease was taken: nothing is moved, started or scaled but what is idle."""
    arns = fakes.compute.serve(examples.release(), Color.BLUE)
    images = {s: Image(s, f"indivillage/{s}", fakes.compute.live(s, Color.BLUE).digest) for s in SERVICES}
    fakes.registry.digests |= {(image.repository, image.digest) for image in images.values()}
    asked = replace(examples.release(), id="back", kind="rollback", images=images, restores=examples.release().id)
    outcome = rollback.run(asked, world)

    assert (("place", "deploy"), f"{asked.restores} serves") == (outcome.settled, outcome.note)
    assert {"color": Color.BLUE, "already": asked.restores, "task_definitions": arns} == outcome.learned


@pytest.mark.parametrize("spoil", ["split", "other image", "a task is missing", "other release"])
def test_what_only_nearly_serves_is_rolled_back_to(fakes: Fakes, world: World, spoil: str) -> None:
    """Every difference counts."""
    fakes.compute.serve(examples.release(), Color.BLUE, count=2)
    images = {s: Image(s, f"indivillage/{s}", fakes.compute.live(s, Color.BLUE).digest) for s in SERVICES}
    fakes.registry.digests |= {(image.repository, image.digest) for image in images.values()}
    seen = fakes.compute.told["backend", Color.BLUE]
    changes: dict[str, dict[str, object]] = {
        "other image": {"digest": "sha256:other"},
        "a task is missing": {"running": 1},
        "other release": {"release": "dev-0"},
    }
    fakes.compute.told["backend", Color.BLUE] = replace(seen, **changes.get(spoil, {}))  # type: ignore[arg-type]
    if spoil == "split":
        fakes.traffic.split = {Color.BLUE: 90, Color.GREEN: 10}
    asked = replace(examples.release(), id="back", kind="rollback", images=images, restores=examples.release().id)

    assert () == rollback.run(asked, world).settled
