"""The task definitions of a release: made before the first service is touched, so that a refusal changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from deployer.model import SERVICES, Release
from deployer.ports import World


def of(release: Release, world: World) -> Mapping[str, str]:
    """ARN by service: the one that an earlier stage or the restored release has, else a new one, not yet used."""

    def definition(service: str) -> str:
        known = release.task_definitions.get(service)
        return known or world.compute.register(release, service, world.registry.reference(release.images[service]))

    with ThreadPoolExecutor(len(SERVICES)) as pool:
        return dict(zip(SERVICES, pool.map(definition, SERVICES), strict=True))
