"""Reads the cloud before anything is changed: what a release needs must be there and agree.

Every check is a few read calls and returns one line for each thing that is wrong, with what to do. Checks run at once.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

from deployer.aws.drain_times import drain_problems
from deployer.aws.faults import Expected, mapped
from deployer.model import Color

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from mypy_boto3_ecs.type_defs import ServiceTypeDef
    from mypy_boto3_elbv2.type_defs import TargetGroupTypeDef

    from deployer.aws.session import Session
    from deployer.model import Image, Release, Service, ServiceTopology, Topology

    Check = Callable[[], Iterable[str]]

THREADS = 8
ABSENT_GROUP = frozenset({"InvalidGroup.NotFound", "InvalidGroupId.Malformed", "InvalidParameterValue"})
ABSENT_SUBNET = frozenset({"InvalidSubnetID.NotFound", "InvalidSubnetID.Malformed"})


class CloudPreflight:
    """Fills ports.Preflight. Secrets are described, never read."""

    def __init__(self, session: Session, topology: Callable[[], Topology]) -> None:
        self._session = session
        self._topology = topology

    def problems(self, release: Release) -> tuple[str, ...]:
        """One line for each thing that is missing or does not agree; empty when all is well."""
        topology = self._topology()
        wanted = self._session.environment.services
        checks: list[Check] = [
            partial(self._listeners, topology),
            partial(self._subnets, topology),
            partial(self._services, topology),
            *(partial(self._image, image) for image in release.images.values()),
        ]
        for name in sorted(wanted.keys() & topology.services.keys()):
            place = topology.services[name]
            checks += [
                *(partial(self._role, role) for role in (place.execution_role, place.task_role)),
                *(partial(self._secret, variable, arn) for variable, arn in place.secrets.items()),
                partial(self._log_group, place.log_group),
                partial(self._security_groups, place),
                partial(self._target_groups, place, wanted[name]),
                partial(drain_problems, self._session, place, wanted[name], topology),
            ]
        with ThreadPoolExecutor(THREADS) as pool:
            found = list(pool.map(lambda check: list(check()), checks))
        unlike = _unlike(wanted.keys(), topology.services.keys(), self._apply)
        return tuple(dict.fromkeys([*unlike, *(line for lines in found for line in lines)]))

    @property
    def _apply(self) -> str:
        return f"inv apply --env={self._session.environment.short_name}"

    def _role(self, arn: str) -> Iterator[str]:
        name = arn.rsplit("/", 1)[-1]
        try:
            with mapped(f"looking for the role {name}", expected={"NoSuchEntity"}):
                self._session.iam.get_role(RoleName=name)
        except Expected:
            yield f"IAM role {name} does not exist: {self._apply}"

    def _secret(self, variable: str, value_from: str) -> Iterator[str]:
        """Look for a secret or parameter without reading it; `value_from` may go on with a JSON key after the ARN."""
        if ":ssm:" in value_from:
            name = value_from.partition(":parameter")[2]
            with mapped(f"looking for the parameter {name}"):
                only = self._session.ssm.describe_parameters(ParameterFilters=[{"Key": "Name", "Values": [name]}])
            if not only["Parameters"]:
                yield f"SSM parameter {name}, the value of {variable}, does not exist: {self._apply}"
            return
        arn = ":".join(value_from.split(":")[:7])
        name = arn.rsplit(":", 1)[-1]
        try:
            with mapped(f"looking for the secret of {variable}", expected={"ResourceNotFoundException"}):
                seen = self._session.secretsmanager.describe_secret(SecretId=arn)
        except Expected:
            yield f"secret {name}, the value of {variable}, does not exist: {self._apply}"
            return
        if "DeletedDate" in seen:
            yield f"secret {name}, the value of {variable}, is being deleted: restore it in Secrets Manager"

    def _log_group(self, name: str) -> Iterator[str]:
        with mapped(f"looking for the log group {name}"):
            found = self._session.logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
        if name not in {group.get("logGroupName") for group in found}:
            yield f"log group {name} does not exist, tasks could not start: {self._apply}"

    def _security_groups(self, place: ServiceTopology) -> Iterator[str]:
        for group in place.security_groups:
            try:
                with mapped(f"looking for the security group {group}", expected=ABSENT_GROUP):
                    self._session.ec2.describe_security_groups(GroupIds=[group])
            except Expected:
                yield f"security group {group} of {place.name} does not exist: {self._apply}"

    def _subnets(self, topology: Topology) -> Iterator[str]:
        for subnet in topology.subnets:
            try:
                with mapped(f"looking for the subnet {subnet}", expected=ABSENT_SUBNET):
                    self._session.ec2.describe_subnets(SubnetIds=[subnet])
            except Expected:
                yield f"subnet {subnet} does not exist: {self._apply}"

    def _image(self, image: Image) -> Iterator[str]:
        try:
            with mapped(f"looking for {image.repository}@{image.digest}", expected={"RepositoryNotFoundException"}):
                found = self._session.ecr.batch_get_image(
                    repositoryName=image.repository, imageIds=[{"imageDigest": image.digest}]
                )["images"]
        except Expected:
            yield f"ECR repository {image.repository} does not exist: {self._apply}"
            return
        if not found:
            yield f"image {image.repository}@{image.digest} is not in the registry: push it"

    def _listeners(self, topology: Topology) -> Iterator[str]:
        named = {"public": topology.public_listener, "test": topology.test_listener} | {
            f"internal {color}": arn for color, arn in topology.internal_listeners.items()
        }
        for name, arn in named.items():
            try:
                with mapped(f"looking for the {name} listener", expected={"ListenerNotFound"}):
                    found = self._session.elbv2.describe_listeners(ListenerArns=[arn])["Listeners"]
            except Expected:
                found = []
            if not found:
                yield f"the {name} listener does not exist: {self._apply}"

    def _services(self, topology: Topology) -> Iterator[str]:
        names = [place.service for service in topology.services.values() for place in service.colors.values()]
        attempted = f"looking for the services of {topology.cluster}"
        try:
            with mapped(attempted, expected={"ClusterNotFoundException"}):
                found = self._session.ecs.describe_services(cluster=topology.cluster, services=names)["services"]
        except Expected:
            yield f"ECS cluster {topology.cluster} does not exist: {self._apply}"
            return
        active = {service["serviceName"]: service for service in found if service.get("status") == "ACTIVE"}
        for name in names:
            if name not in active:
                yield f"ECS service {name} does not exist or is not ACTIVE: {self._apply}"
            elif not _has_breaker(active[name]):
                yield f"ECS service {name} has no deployment circuit breaker: {self._apply}"

    def _target_groups(self, place: ServiceTopology, wanted: Service) -> Iterator[str]:
        if place.container_port != wanted.port:
            yield (
                f"{place.name}: terraform.tfvars says port {wanted.port},"
                f" the infrastructure {place.container_port}: {self._apply}"
            )
        for color in Color:
            arn = place.colors[color].target_group
            name = f"target group {arn.split('/')[-2]}" if arn.count("/") > 1 else f"target group {arn}"
            try:
                with mapped(f"looking for the {name}", expected={"TargetGroupNotFound"}):
                    found = self._session.elbv2.describe_target_groups(TargetGroupArns=[arn])["TargetGroups"]
            except Expected:
                found = []
            if not found:
                yield f"{name} of {place.name} {color} does not exist: {self._apply}"
                continue
            for what, seen, expected in _facts(found[0], wanted):
                if seen != expected:
                    yield f"{name}: its {what} is {seen}, {place.name} needs {expected}: {self._apply}"


def _has_breaker(service: ServiceTypeDef) -> bool:
    """Whether ECS gives broken deployments of this service up; AWS always reports it, moto never does."""
    configuration = service.get("deploymentConfiguration")
    return configuration is None or configuration.get("deploymentCircuitBreaker", {}).get("enable", False)


def _facts(group: TargetGroupTypeDef, wanted: Service) -> Iterator[tuple[str, object, object]]:
    """Pair what a target group says with what the environment wants."""
    yield "port", group.get("Port"), wanted.port
    yield "protocol", group.get("Protocol"), "HTTP"
    yield "target type", group.get("TargetType"), "ip"
    yield "health check path", group.get("HealthCheckPath"), wanted.health_path


def _unlike(wanted: Collection[str], made: Collection[str], mend: str) -> Iterator[str]:
    """Name services that only one of terraform.tfvars and the infrastructure has."""
    for name in sorted(set(wanted) - set(made)):
        yield f"service {name} is in terraform.tfvars, the infrastructure lacks it: {mend}"
    for name in sorted(set(made) - set(wanted)):
        yield f"service {name} is in the infrastructure, terraform.tfvars lacks it: {mend}"
