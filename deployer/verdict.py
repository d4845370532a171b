"""What runs, and whether a release is live: what ECS and the load balancer say, compared with what the release is."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor

from deployer.errors import DeployError
from deployer.model import SERVICES, Color, Release, Revision
from deployer.ports import World


def revisions(color: Color, world: World) -> Mapping[str, Revision]:
    """What ECS says runs in one color, by service."""
    with ThreadPoolExecutor(len(SERVICES)) as pool:
        return dict(zip(SERVICES, pool.map(lambda name: world.compute.live(name, color), SERVICES), strict=True))


def doubts(release: Release, world: World) -> tuple[str, ...]:
    """Why this release cannot be called live, a line for each reason; empty when there is no doubt.

    Each service's PRIMARY revision has to be the release's and complete, with a healthy target for each task. While
    autoscaling wants more than was brought up, what it has added may still be on its way: what was brought up may not.
    Where nobody knows how many were brought up, the fewest that autoscaling may leave have to be there. What it takes
    away may still be on its way out.
    """
    with ThreadPoolExecutor(len(SERVICES)) as pool:
        each = pool.map(lambda service: _doubts_about(service, release, world), SERVICES)
        return tuple(doubt for found in each for doubt in found)


def _doubts_about(service: str, release: Release, world: World) -> list[str]:
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(world.traffic.targets, service, release.color)
        live = world.compute.live(service, release.color)
        registered = asked.result()
    found = []
    wanted = release.task_definitions.get(service)
    if wanted and live.task_definition != wanted:
        found.append(f"{service} runs {live.task_definition}, not {wanted}")
    if live.release != release.serves:
        found.append(f"{service} says it is release {live.release or 'none'}, not {release.serves}")
    # What drains belongs to a revision that is leaving: it gets no new request.
    targets = [target for target in registered if target.state != "draining"]
    healthy = [target for target in targets if target.state == "healthy"]
    scales = world.infrastructure.topology().scales(service, release.color)
    fewest = world.environment.between(service).fewest if scales and service not in release.counts else 0
    brought_up = release.counts.get(service, fewest or live.desired)
    grows = live.desired > brought_up and len(healthy) >= brought_up
    shrinks = scales and live.running > live.desired and len(healthy) >= live.desired
    if live.rollout != "COMPLETED" or live.desired == 0 or (live.running != live.desired and not (grows or shrinks)):
        found.append(f"{service} is {live.rollout or 'without a rollout'}, {live.running} of {live.desired} tasks run")
    fine = ("healthy", "initial") if grows else ("healthy",)
    bad = [target for target in targets if target.state not in fine]
    found += [f"{service} target {t.address} is {t.state} {t.reason}".rstrip() for t in bad]
    needed = brought_up if grows else max(fewest, live.desired if shrinks else live.running)
    if len(healthy) < max(1, needed):
        found.append(f"{service} has {len(healthy)} healthy targets for {needed} tasks")
    return found


def last_words(release: Release, world: World, known: Collection[str] = ()) -> tuple[str, ...]:
    """Why tasks of this release failed: reason, exit code, last log lines of each that `known` lines do not tell of.

    One that dies after a minute explains a failed smoke test. What cannot be read is said and hides nothing.
    """
    try:
        tasks = [t for service, arn in release.task_definitions.items() for t in world.compute.stopped(service, arn)]
    except DeployError as error:
        return (f"why its tasks stopped could not be read: {error.seen}",)
    told = [task.told() for task in tasks if task.exit_code != 0]
    return tuple(line for lines in told if lines[0] not in known for line in lines)
