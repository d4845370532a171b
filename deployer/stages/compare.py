"""compare: does what is asked for serve already? ECS, the load balancer, the registry and a visitor's request tell.

When nothing differs there is nothing to record, push, migrate, deploy or prove again, and the answer is the release
that serves. Any difference, any doubt, and any record that is not good lets the release go on.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from deployer.errors import DeployError
from deployer.model import SERVICES, Color, Image, Outcome, Release, Revision, Verdict
from deployer.pipeline import Stage
from deployer.ports import World
from deployer.verdict import doubts, revisions

SETTLED = ("alarms", "record", "apply", "push", "verify", "place", "migrate", "deploy", "smoke_test", "retire")


def serving(world: World) -> Mapping[str, Revision]:
    """What serves visitors: the color that the load balancer gives most of the traffic to."""
    weights = world.traffic.weights()
    color = max(weights, key=lambda c: weights[c], default=Color.BLUE)
    return revisions(color, world)


def run(release: Release, world: World) -> Outcome:
    """Compare, and settle what is left when nothing differs."""
    if release.plan is None or not release.plan.empty:
        return Outcome("the infrastructure changes first")
    color, weight = max(world.traffic.weights().items(), key=lambda item: item[1])
    if weight != 100:
        return Outcome(f"traffic is split: {color} has {weight}%")
    live = revisions(color, world)
    places = world.infrastructure.topology().services
    images = {name: Image(name, places[name].repository, revision.digest) for name, revision in live.items()}
    asked = replace(release, color=color, images=images)
    with ThreadPoolExecutor(len(SERVICES)) as pool:
        unlike = list(pool.map(lambda name: _difference(asked, name, live[name], world), SERVICES))
    found = next((why for why in unlike if why), "") or _doubt(asked, live, world)
    if found:
        return Outcome(found)
    name = live["frontend"].release
    return Outcome(f"{name} serves, healthy, and is all of this", {"already": name}, settled=SETTLED)


def _difference(release: Release, service: str, live: Revision, world: World) -> str:
    """Say what is asked for otherwise than it runs; "" when nothing is."""
    if miscounted := _miscounted(live, world):
        return miscounted
    image = release.images[service]
    if not live.content or not world.registry.is_of(image, release.built[service]):
        return f"{service} has another image"
    if live.content != world.compute.content(release, service, world.registry.reference(image)):
        return f"{service} has another commit or configuration"
    return ""


def _miscounted(live: Revision, world: World) -> str:
    """Say that a service does not run as many tasks as it should; where autoscaling owns the count, only its limits."""
    environment, service = world.environment, live.service
    if world.infrastructure.topology().scales(service, live.color):
        limits = environment.between(service)
        outside = not limits.fewest <= live.desired <= limits.most
        return f"{service} runs {live.desired} tasks, not {limits.fewest} to {limits.most}" if outside else ""
    return f"{service} runs {live.desired} tasks" if live.desired < environment.services[service].count else ""


def _doubt(release: Release, live: Mapping[str, Revision], world: World) -> str:
    """Say why what runs, though alike, cannot be called proven; "" when it can."""
    name = live["frontend"].release
    record = world.ledger.find(name)
    if record is None or record.outcome is not Verdict.GOOD:
        return f"{name} was never proven"
    if record.config_hash != release.config_hash:
        return f"{name} was deployed with other settings"
    arns = {service: revision.task_definition or "" for service, revision in live.items()}
    found = doubts(replace(release, id=name, task_definitions=arns), world)
    if found:
        return found[0]
    try:
        seen = world.probe.version().get("release", "nothing")
    except DeployError as error:
        return error.seen
    return "" if seen == name else f"visitors meet release {seen}"


STAGE = Stage("compare", ("build", "plan", "lock"), run)
