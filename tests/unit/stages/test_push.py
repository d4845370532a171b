"""push: from here on images are known by digest."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deployer.errors import InputError, Unreachable
from deployer.model import SERVICES, Release
from deployer.ports import World
from deployer.stages import build, push
from tests import examples
from tests.fakes import Fakes

TAGS = (f"dev-{examples.COMMIT}", "dev-latest")


def built(world: World) -> Release:
    """A release whose images are in the local engine."""
    learned = build.run(examples.release(), world).learned["built"]
    assert isinstance(learned, dict)
    return replace(examples.release(), built=learned)


def test_tags_of_a_clean_build() -> None:
    """The commit's own name, and the environment's moving one."""
    assert TAGS == push.tags(examples.release(), "dev")


def test_a_dirty_build_never_takes_the_name_of_a_commit() -> None:
    """Nobody could build it again from that commit; two dirty builds do not collide either."""
    dirty = replace(examples.release(), dirty=True)

    assert (f"dev-{examples.COMMIT}-dirty-20260304t050607z", "dev-latest") == push.tags(dirty, "dev")


def test_digests_are_learned(fakes: Fakes, world: World) -> None:
    """Each image goes to its service's repository as Terraform made it."""
    outcome = push.run(built(world), world)

    images = outcome.learned["images"]
    assert isinstance(images, dict)
    assert {name: f"indivillage/{name}" for name in SERVICES} == {n: image.repository for n, image in images.items()}
    assert all(fakes.registry.has(image) for image in images.values())
    assert {(name, f"indivillage/{name}", TAGS) for name in SERVICES} == set(fakes.registry.called("push"))
    assert f"backend {images['backend'].digest[:19]}, frontend {images['frontend'].digest[:19]}" == outcome.note


def test_an_environment_that_was_never_applied_has_no_registry(fakes: Fakes, world: World) -> None:
    """Exit code 2, before anything moves."""
    release = built(world)
    fakes.infrastructure.topology_or_none = None

    with pytest.raises(InputError, match="never applied"):
        push.run(release, world)

    assert [] == fakes.registry.calls


def test_a_registry_out_of_reach(fakes: Fakes, world: World) -> None:
    """One image that does not arrive is enough to stop."""
    fakes.registry.fail("push", Unreachable("push frontend", "no answer"), "frontend")

    with pytest.raises(Unreachable, match="push frontend"):
        push.run(built(world), world)
