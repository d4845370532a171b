"""build: both images at once, as they are at this commit."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deployer.errors import GateFailed
from deployer.model import BuiltImage
from deployer.ports import World
from deployer.stages import build
from tests import examples
from tests.fakes import Fakes


def test_both_images_are_learned(fakes: Fakes, world: World) -> None:
    """Each service's own image, built at the release's commit with the commit's time."""
    release = examples.release()

    outcome = build.run(release, world)

    built = outcome.learned["built"]
    assert isinstance(built, dict)
    assert {"backend": "backend", "frontend": "frontend"} == {name: image.service for name, image in built.items()}
    wanted = {("backend", release.commit, release.committed_at), ("frontend", release.commit, release.committed_at)}
    assert wanted == set(fakes.builder.called("build"))
    assert "backend 42 MB, frontend 42 MB" == outcome.note


def test_progress_names_the_service(fakes: Fakes, world: World) -> None:
    """Two builds talk at once; each has a log of its own."""
    build.run(examples.release(), world)

    assert ["backend: log in build-backend.log", "frontend: log in build-frontend.log"] == sorted(fakes.said)


def test_an_unchanged_image_is_told_as_such(world: World) -> None:
    """Why it took no time."""

    class Cached:
        def build(self, service: str, **_: object) -> BuiltImage:
            return BuiltImage(service, "local/x", "sha256:1", 7_400_000, cached=True)

    outcome = build.run(examples.release(), replace(world, builder=Cached()))

    assert "backend 7 MB (unchanged), frontend 7 MB (unchanged)" == outcome.note


@pytest.mark.parametrize("broken", ["backend", "frontend"])
def test_one_broken_build_fails_the_gate(fakes: Fakes, world: World, broken: str) -> None:
    """The release is one unit."""
    fakes.builder.fail("build", GateFailed(f"build {broken}", "exit code 1"), broken)

    with pytest.raises(GateFailed, match=f"build {broken}: exit code 1"):
        build.run(examples.release(), world)
