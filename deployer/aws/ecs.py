"""Compute: ECS on Fargate, for one environment. ECS itself is asked what runs, never the ledger."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from deployer.aws import reconciler_task
from deployer.aws.capacity import Capacity
from deployer.aws.faults import HINT_APPLY, mapped
from deployer.aws.one_off import OneOff
from deployer.aws.rollout import Rollout, Wanted
from deployer.aws.task_definition import build, content, is_of, labels
from deployer.aws.tasks import Tasks
from deployer.errors import InputError
from deployer.model import Revision

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from datetime import datetime

    from mypy_boto3_ecs.type_defs import DeploymentTypeDef, ServiceTypeDef

    from deployer.aws.session import Session
    from deployer.model import Color, Release, StoppedTask, Topology
    from deployer.ports import Clock, Say, Traffic

LOOKED_AT = 10
"""How many of the newest revisions are searched for those of one release."""
NEWEST = 3
"""How many of the newest revisions are looked at for one that this release registered before it was cut off. A rollback
looks at more: what it goes back to was registered a few releases ago."""


class Ecs:
    """Fills ports.Compute. `traffic` tells the health of targets."""

    def __init__(self, session: Session, topology: Callable[[], Topology], traffic: Traffic, clock: Clock) -> None:
        self._session = session
        self._topology = topology
        self._traffic = traffic
        self._clock = clock
        self._tasks = Tasks(session, clock)
        self._capacity = Capacity(session, topology)

    def live(self, service: str, color: Color) -> Revision:
        """What ECS itself says runs in this color; no task definition when nothing is wanted there."""
        found, _ = self._describe(service, color)
        primary = _primary(found)
        wanted = found.get("desiredCount", 0)
        arn = primary.get("taskDefinition") if wanted else None
        seen = labels(self._tasks.definition(arn), service) if arn else {}
        return Revision(
            service=service,
            color=color,
            task_definition=arn,
            release=seen.get("RELEASE", ""),
            commit=seen.get("COMMIT", ""),
            digest=seen.get("IMAGE_DIGEST", ""),
            desired=wanted,
            running=found.get("runningCount", 0),
            rollout=primary.get("rolloutState", ""),
            content=content(self._tasks.definition(arn), service) if arn else "",
        )

    def content(self, release: Release, service: str, image_reference: str) -> str:
        """Hash what `register` would describe, but for which release it is of."""
        environment = self._session.environment
        place = self._topology().services[service]
        return content(build(release, environment.services[service], place, environment, image_reference), service)

    def register(self, release: Release, service: str, image_reference: str) -> str:
        """Register a task-definition revision for this release and color; return its ARN.

        Idempotent: a revision that this release registered before (a run that was cut off, the release that a rollback
        goes back to) is found and returned, if it describes just what would be registered now.
        """
        environment = self._session.environment
        place = self._topology().services[service]
        request = build(release, environment.services[service], place, environment, image_reference)
        attempted = f"registering the task definition of {service} for {release.id}"
        wanted = content(request, service)
        looked_at = LOOKED_AT if release.kind == "rollback" else NEWEST
        with mapped(attempted):
            newest = self._session.ecs.list_task_definitions(
                familyPrefix=place.family, status="ACTIVE", sort="DESC", maxResults=looked_at
            )["taskDefinitionArns"]
        with ThreadPoolExecutor(looked_at) as pool:
            for arn, definition in zip(newest, pool.map(self._tasks.definition, newest), strict=True):
                if is_of(definition, release, service, image_reference) and content(definition, service) == wanted:
                    return arn
        with mapped(attempted):
            return self._session.ecs.register_task_definition(**request)["taskDefinition"]["taskDefinitionArn"]

    def registered(self, service: str, releases: Collection[str]) -> tuple[str, ...]:
        """List the newest task definitions that can still be used and say that they are of these releases."""
        family = self._topology().services[service].family
        with mapped(f"listing the task definitions of {service}"):
            newest = self._session.ecs.list_task_definitions(
                familyPrefix=family, status="ACTIVE", sort="DESC", maxResults=LOOKED_AT
            )["taskDefinitionArns"]
        with ThreadPoolExecutor(LOOKED_AT) as pool:
            definitions = zip(newest, pool.map(self._tasks.definition, newest), strict=True)
            return tuple(arn for arn, found in definitions if labels(found, service).get("RELEASE") in releases)

    def deregister(self, task_definition: str) -> None:
        """Let nobody start this task definition any more; tasks that run are left alone (API page of the call)."""
        with mapped(f"deregistering {task_definition}"):
            self._session.ecs.deregister_task_definition(taskDefinition=task_definition)

    def roll_out(
        self, service: str, color: Color, task_definition: str, count: int, timeout_s: float, say: Say
    ) -> None:
        """Make the color run `count` tasks of `task_definition` and wait until it is the only, steady revision.

        Raises ReleaseFailed, with the stopped tasks' reasons, exit codes and last log lines in `details`.
        """
        topology = self._topology()
        before, since = self._describe(service, color)
        self._capacity.around(service, color, before.get("desiredCount", 0), count)
        # The same definition again makes no new deployment, and one that ECS has given up starts nothing any more.
        given_up = (
            _primary(before).get("taskDefinition") == task_definition
            and _primary(before).get("rolloutState") == "FAILED"
        )
        name = topology.services[service].colors[color].service
        with mapped(f"rolling out {service} {color}"):
            after = self._session.ecs.update_service(
                cluster=topology.cluster,
                service=name,
                taskDefinition=task_definition,
                desiredCount=count,
                forceNewDeployment=given_up,
            )["service"]
        self._capacity.around(service, color, count)
        if count:
            self._session.elbv2  # noqa: B018 - needed at the end, and made now, while there is nothing to do but wait
        wanted = Wanted(
            topology.cluster, name, service, color, task_definition, _primary(after).get("id", ""), count, since
        )
        Rollout(
            wanted,
            self._tasks,
            self._clock,
            describe=lambda: self._describe(service, color)[0],
            targets=lambda: self._traffic.targets(service, color),
        ).follow(timeout_s, say)

    def scale(self, service: str, color: Color, count: int) -> None:
        """Set the desired count of the color, whatever it runs, and let autoscaling keep to it."""
        topology = self._topology()
        if count:
            self._capacity.around(service, color, 0, count)
        with mapped(f"scaling {service} {color} to {count}"):
            self._session.ecs.update_service(
                cluster=topology.cluster,
                service=topology.services[service].colors[color].service,
                desiredCount=count,
            )
        if count:
            self._capacity.around(service, color, count)
        else:
            self._capacity.allow(service, color, 0, 0)

    def keep(self, service: str, color: Color, fewest: int) -> None:
        """Let autoscaling leave the color at least `fewest` tasks, and give it the environment's most."""
        self._capacity.allow(service, color, fewest, max(fewest, self._session.environment.scaling.most))

    def run_task(self, service: str, task_definition: str, command: Sequence[str], timeout_s: float, say: Say) -> None:
        """Run a one-off task to its end, streaming its log lines to `say`. Raises ReleaseFailed when it fails."""
        topology = self._topology()
        one_off = OneOff(self._session, self._tasks, self._clock, topology, topology.services[service])
        one_off.run(task_definition, command, timeout_s, say)

    def schedule(self, image_reference: str) -> bool:
        """Make the image the newest task definition of the reconciler's family; whether it was not that already."""
        environment, place = self._session.environment, self._topology().reconciler
        if place is None:
            raise InputError("scheduling the reconciler", f"{environment.name} has none", HINT_APPLY)
        return reconciler_task.schedule(self._session, place, image_reference)

    def stopped(self, service: str, task_definition: str) -> tuple[StoppedTask, ...]:
        """Why tasks of this revision stopped, newest first; at most five, ECS forgets them after an hour."""
        topology = self._topology()
        family = topology.services[service].family
        found = self._tasks.stopped_of_family(topology.cluster, family, task_definition)
        return self._tasks.explained(found, service)

    def _describe(self, service: str, color: Color) -> tuple[ServiceTypeDef, datetime]:
        """Read the ECS service and the server's time."""
        topology = self._topology()
        name = topology.services[service].colors[color].service
        attempted = f"reading the ECS service {name}"
        with mapped(attempted):
            answer = self._session.ecs.describe_services(cluster=topology.cluster, services=[name])
        active = [found for found in answer["services"] if found.get("status") == "ACTIVE"]
        if not active:
            raise InputError(attempted, f"cluster {topology.cluster} has no such active service", HINT_APPLY)
        date = answer["ResponseMetadata"]["HTTPHeaders"].get("date", "")
        return active[0], parsedate_to_datetime(date) if date else self._clock.now()


def _primary(service: ServiceTypeDef) -> DeploymentTypeDef:
    none: DeploymentTypeDef = {}
    return next((d for d in service.get("deployments", []) if d.get("status") == "PRIMARY"), none)
