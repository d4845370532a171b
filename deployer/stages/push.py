"""push: the built images into the registry; from here on they are known by digest."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from deployer.model import SERVICES, Image, Outcome, Release
from deployer.pipeline import Stage
from deployer.ports import World


def tags(release: Release, short_name: str) -> tuple[str, ...]:
    """`<env>-<sha>` and `<env>-latest`; an image of uncommitted files never takes the name of a commit.

    `<env>-<sha>` is to name one content for ever, so a dirty build is named after its release.
    """
    own = f"{short_name}-{release.commit}"
    return (f"{own}-dirty-{release.id.split('-')[1].lower()}" if release.dirty else own, f"{short_name}-latest")


def run(release: Release, world: World) -> Outcome:
    """Push both images and learn their digests."""
    topology = world.infrastructure.topology()
    names = tags(release, world.environment.short_name)

    def push(service: str) -> Image:
        repository = topology.services[service].repository
        return world.registry.push(release.built[service], repository, names, world.say)

    with ThreadPoolExecutor(len(SERVICES)) as pool:
        images = dict(zip(SERVICES, pool.map(push, SERVICES), strict=True))
    return Outcome(
        ", ".join(f"{name} {image.digest[:19]}" for name, image in images.items()),
        {"images": images},
    )


STAGE = Stage("push", ("lint", "test", "scan", "build", "apply", "lock"), run)
