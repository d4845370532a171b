"""build: the images of both services, and of the deployer itself where a schedule runs it, at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from deployer.model import DEPLOYER, SERVICES, BuiltImage, Outcome, Release, Status
from deployer.pipeline import Stage
from deployer.ports import World


def run(release: Release, world: World) -> Outcome:
    """Build what changed. Raises GateFailed when an image cannot be built."""

    def build(service: str) -> BuiltImage:
        return world.builder.build(
            service,
            commit=release.commit,
            created=release.committed_at,
            log=world.logs / f"build-{service}.log",
            say=lambda line: world.say(f"{service}: {line}"),
        )

    names = (*SERVICES, DEPLOYER) if world.environment.reconciled else SERVICES
    with ThreadPoolExecutor(len(names)) as pool:
        built = dict(zip(names, pool.map(build, names), strict=True))
    sizes = ", ".join(
        f"{name} {image.size_bytes / 1e6:.0f} MB{' (unchanged)' if image.cached else ''}"
        for name, image in built.items()
    )
    cached = all(image.cached for image in built.values())
    return Outcome(sizes, {"built": built}, status=Status.CACHED if cached else Status.OK)


STAGE = Stage("build", (), run)
