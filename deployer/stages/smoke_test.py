"""smoke_test: the verdict. What ECS and the load balancer say, and what a visitor sees."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from deployer.errors import DeployError, GateFailed, ReleaseFailed
from deployer.model import SERVICES, Outcome, Release
from deployer.pipeline import Stage
from deployer.ports import World
from deployer.verdict import doubts, last_words


def run(release: Release, world: World) -> Outcome:
    """Prove the release, then mark its images `stable`. Raises GateFailed; the runner undoes the deployment then."""
    try:
        note = _prove(release, world)
    except (GateFailed, ReleaseFailed) as error:
        error.details += last_words(release, world, error.details)
        raise
    try:
        with ThreadPoolExecutor(len(SERVICES)) as pool:
            list(pool.map(lambda image: world.registry.tag(image, ("stable",)), release.images.values()))
    except DeployError as error:
        # The release is proven; a tag for people to read is no reason to take it back.
        world.say(f"not tagged stable: {error.seen}")
        note += ", not tagged stable"
    return Outcome(note)


def _prove(release: Release, world: World) -> str:
    found = doubts(release, world)
    if found:
        raise GateFailed("prove the release", found[0], details=found)
    seen = world.probe.version().get("release", "nothing")
    if seen != release.serves:
        raise GateFailed("prove the release", f"visitors meet release {seen}, not {release.serves}")
    return world.probe.smoke(release.serves, world.say, world.logs / "smoke.log")


STAGE = Stage("smoke_test", ("deploy",), run)
