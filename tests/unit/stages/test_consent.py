"""consent: a loss has to be named, and a name has to mean something."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path

import pytest

from deployer.errors import GateFailed, InputError
from deployer.model import Change, Plan, Release
from deployer.ports import World
from deployer.stages import consent
from tests import examples

UPLOADS = 'module.storage.aws_s3_bucket.this["uploads"]'
DATABASE = "module.database.aws_db_instance.this"
CHANGES = (
    Change("replace", UPLOADS, loses_data=True),
    Change("delete", DATABASE, loses_data=True),
    Change("delete", "aws_lb.public"),
    Change("update", "aws_lb.internal"),
)


def asked(*allowed: str, changes: tuple[Change, ...] = CHANGES) -> Release:
    """A release whose plan holds `changes`, of which the `allowed` may end."""
    return replace(examples.release(), plan=Plan(Path("x"), "abc", changes), allow_destroy=allowed)


@pytest.mark.parametrize("allowed", [(), (UPLOADS,), (DATABASE,), ("aws_lb.public",)])
def test_each_loss_has_to_be_named(world: World, allowed: tuple[str, ...]) -> None:
    """Exit code 10, and the very words that would allow what is missing, as a shell takes them."""
    missing = [address for address in (UPLOADS, DATABASE) if address not in allowed]

    with pytest.raises(GateFailed, match="DATA LOSS") as caught:
        consent.run(asked(*allowed), world)

    assert 10 == caught.value.exit_code
    flags = [word for word in shlex.split(caught.value.hint) if word.startswith("--")]
    assert [f"--allow-destroy={address}" for address in missing] == flags
    assert missing == [detail.partition(" ")[2] for detail in caught.value.details]


def test_a_loss_that_is_named_is_consented_to(world: World) -> None:
    """All of them, and what the table says of it."""
    assert f"{UPLOADS}, {DATABASE} may go" == consent.run(asked(UPLOADS, DATABASE), world).note


@pytest.mark.parametrize(
    ("changes", "would"),
    [
        (CHANGES[:1], f"would destroy {UPLOADS}"),
        ((Change("update", DATABASE, loses_data=True),), f"would keep less in {DATABASE}"),
        ((CHANGES[0], Change("update", DATABASE, loses_data=True)), "would destroy or keep less in 2 resources"),
    ],
)
def test_what_would_be_lost_is_told(world: World, changes: tuple[Change, ...], would: str) -> None:
    """Backups that are kept for less time are a loss as well, and are consented to in the same way."""
    with pytest.raises(GateFailed) as caught:
        consent.run(asked(changes=changes), world)
    assert would in caught.value.seen

    assert "may go" in consent.run(asked(*(change.address for change in changes), changes=changes), world).note


@pytest.mark.parametrize("changes", [(), CHANGES[2:]])
def test_what_holds_no_data_may_end(world: World, changes: tuple[Change, ...]) -> None:
    """Nobody is asked for a load balancer."""
    assert "no data would be lost" == consent.run(asked(changes=changes), world).note


@pytest.mark.parametrize(
    ("address", "seen", "hint"),
    [
        ("module.database.aws_db_instance.that", "does not touch it", DATABASE),
        ("module.storage.aws_s3_bucket.this[uploads]", "does not touch it", UPLOADS),
        ("aws_lb.internal", "has to update it", "aws_lb.public"),
    ],
)
def test_a_name_that_means_nothing_is_bad_input(world: World, address: str, seen: str, hint: str) -> None:
    """Exit code 2 with the nearest that would, even where all losses are named."""
    with pytest.raises(InputError, match=seen) as caught:
        consent.run(asked(UPLOADS, DATABASE, address), world)

    assert (2, True) == (caught.value.exit_code, shlex.quote(hint) in caught.value.hint)


def test_nothing_can_be_allowed_of_a_plan_that_ends_nothing(world: World) -> None:
    """A script that still names what is long gone is told so."""
    with pytest.raises(InputError) as caught:
        consent.run(asked(DATABASE, changes=()), world)

    assert "the plan destroys nothing" == caught.value.hint


def test_without_a_plan_there_is_nothing_to_decide(world: World) -> None:
    """`apply` says what is missing."""
    assert "no plan" == consent.run(examples.release(), world).note
