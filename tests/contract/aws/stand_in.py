"""Makes what Terraform would have made of an environment, through boto3, so that the adapters have something to move.

Names carry the environment's short name; tests give each environment one of its own.
"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from deployer.aws.topology import parse
from deployer.model import Color

if TYPE_CHECKING:
    from deployer.aws.session import Session
    from deployer.model import Topology
    from docker import DockerClient

SERVER = r"""
use IO::Socket::INET; $| = 1; my $ending = 0; $SIG{TERM} = sub { $ending = 1 };
my $mode = $ENV{MODE} // "serve"; print "starting as $mode\n";
if ($mode eq "crash") { print STDERR "cannot reach the database\n"; exit 3 }
my $status = $mode eq "unhealthy" ? "503 Service Unavailable" : "200 OK";
my $body = qq({"release":"$ENV{RELEASE}"}); my $length = length $body;
my $server = IO::Socket::INET->new(LocalPort => 8080, Listen => 50, ReuseAddr => 1) or die "no port: $!";
until ($ending) {
    my $client = $server->accept or next;
    while (<$client>) { last if /^\r?$/ }
    print $client "HTTP/1.1 $status\r\nContent-Length: $length\r\nConnection: close\r\n\r\n$body"; close $client;
}
"""
"""An app in Debian's perl-base: MODE is serve (200, and its RELEASE), unhealthy (503) or crash (exit 3 at once)."""
ROLE = json.dumps({"Version": "2012-10-17", "Statement": []})
NETWORK = "10.{}.0.0/16"


def app_image(engine: DockerClient, base: str, repository: str) -> Any:
    """Make an image of `base` that runs SERVER, without a builder: a container that never ran, committed."""
    container = engine.containers.create(base)
    try:
        command = json.dumps(["perl", "-e", SERVER])
        return container.commit(repository=repository, tag="app", changes=f"CMD {command}")
    finally:
        container.remove()


class StandIn:
    """One environment's infrastructure. `made` are the ids that preflight tests take away again."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.prefix = session.environment.prefix
        self.short = session.environment.short_name
        self.document: dict[str, Any] = {}

    @property
    def topology(self) -> Topology:
        """What was made, as the deployer reads it."""
        return parse(json.dumps(self.document), self.session.environment.topology_parameter)

    def apply(self) -> StandIn:
        """Make everything and write the topology parameter."""
        subnets, group = self._network()
        roles = {name: self._role(name) for name in ("execution", "frontend", "backend")}
        secret = self.session.secretsmanager.create_secret(Name=f"{self.prefix}-basic-auth", SecretString="u:p")["ARN"]
        self.session.ecs.create_cluster(clusterName=self.prefix)
        services = {
            name: self._service(name, roles, group, {"BASIC_AUTH": secret} if name == "frontend" else {})
            for name in ("frontend", "backend")
        }
        balancers = self._load_balancers(subnets, group, services)
        for name, service in services.items():
            for color in Color:
                self._ecs_service(name, color, service, subnets, group)
        self.document = {
            "cluster": self.prefix,
            "url": "http://127.0.0.1",
            "load_balancers": balancers,
            "services": services,
            "subnets": subnets,
            "buckets": {},
            "reconciler": {
                "repository": f"{self.prefix}/deployer",
                "family": f"{self.prefix}-reconciler",
                "execution_role": roles["execution"],
                "task_role": roles["backend"],
                "log_group": f"/{self.prefix}/reconciler",
            },
        }
        self.session.ssm.put_parameter(
            Name=self.session.environment.topology_parameter, Value=json.dumps(self.document), Type="String",
            Overwrite=True, Tier="Advanced",
        )  # fmt: skip
        return self

    def destroy(self) -> None:
        """Stop every container; an emulator's records may stay."""
        for service in self.document.get("services", {}).values():
            for place in service["colors"].values():
                with suppress(Exception):
                    self.session.ecs.delete_service(cluster=self.prefix, service=place["service"], force=True)
        for balancer in self.document.get("load_balancers", {}).values():
            with suppress(Exception):
                self.session.elbv2.delete_load_balancer(LoadBalancerArn=balancer["arn"])
        for service in self.document.get("services", {}).values():
            with suppress(Exception):
                self.session.ecr.delete_repository(repositoryName=service["repository"], force=True)

    def _network(self) -> tuple[list[str], str]:
        ec2 = self.session.ec2
        vpc = ec2.create_vpc(CidrBlock=NETWORK.format(77))["Vpc"]["VpcId"]
        subnets = [
            ec2.create_subnet(
                VpcId=vpc, CidrBlock=f"10.77.{i}.0/24", AvailabilityZone=self.session.environment.region + zone
            )["Subnet"]["SubnetId"]
            for i, zone in enumerate("ab")
        ]
        group = ec2.create_security_group(GroupName=self.prefix, Description="tasks", VpcId=vpc)["GroupId"]
        self._vpc = vpc
        return subnets, group

    def _role(self, name: str) -> str:
        role = self.session.iam.create_role(RoleName=f"{self.prefix}-{name}", AssumeRolePolicyDocument=ROLE)
        return role["Role"]["Arn"]

    def _service(self, name: str, roles: dict[str, str], group: str, secrets: dict[str, str]) -> dict[str, Any]:
        log_group = f"/indivillage/{self.short}/{name}"
        self.session.logs.create_log_group(logGroupName=log_group)
        self.session.ecr.create_repository(repositoryName=f"{self.short}/{name}")
        health = self.session.environment.services[name].health_path
        return {
            "repository": f"{self.short}/{name}",
            "family": f"{self.prefix}-{name}",
            "container_port": 8080,
            "execution_role": roles["execution"],
            "task_role": roles[name],
            "log_group": log_group,
            "security_groups": [group],
            "health_path": health,
            "environment": {},
            "color_environment": {},
            "secrets": secrets,
            "colors": {
                color.value: {
                    "service": f"{self.prefix}-{name}-{color}",
                    "target_group": self._target_group(f"{self.short}-{name}-{color}", health),
                }
                for color in Color
            },
        }

    def _target_group(self, name: str, health: str) -> str:
        made = self.session.elbv2.create_target_group(
            Name=name, Protocol="HTTP", Port=8080, VpcId=self._vpc, TargetType="ip", HealthCheckPath=health,
            HealthCheckIntervalSeconds=5, HealthyThresholdCount=2, UnhealthyThresholdCount=2,
            HealthCheckTimeoutSeconds=2, Matcher={"HttpCode": "200"},
        )  # fmt: skip
        arn = made["TargetGroups"][0]["TargetGroupArn"]
        self.set_delay(arn, 60)
        return arn

    def set_delay(self, target_group: str, seconds: int) -> None:
        """Let requests under way finish for so long after their target was deregistered."""
        attributes = [{"Key": "deregistration_delay.timeout_seconds", "Value": str(seconds)}]
        self.session.elbv2.modify_target_group_attributes(TargetGroupArn=target_group, Attributes=attributes)

    def set_idle_timeout(self, balancer: str, seconds: int) -> None:
        """Keep silent connections for so long."""
        attributes = [{"Key": "idle_timeout.timeout_seconds", "Value": str(seconds)}]
        self.session.elbv2.modify_load_balancer_attributes(LoadBalancerArn=balancer, Attributes=attributes)

    def _load_balancers(self, subnets: list[str], group: str, services: dict[str, Any]) -> dict[str, Any]:
        elbv2 = self.session.elbv2
        arns, names = {}, {}
        for reach in ("public", "internal"):
            made = elbv2.create_load_balancer(Name=f"{self.prefix}-{reach}", Subnets=subnets, SecurityGroups=[group])
            arns[reach] = made["LoadBalancers"][0]["LoadBalancerArn"]
            names[reach] = made["LoadBalancers"][0]["DNSName"]
        front, back = services["frontend"]["colors"], services["backend"]["colors"]
        listeners = {color: self._listener(arns["internal"], port, back[color]) for color, port in _INTERNAL.items()}
        return {
            "public": {
                "arn": arns["public"],
                "dns_name": names["public"],
                "listener": self._listener(arns["public"], 80, front["blue"]),
                "test_listener": self._listener(arns["public"], 9000, front["green"]),
                "port": 80,
                "test_port": 9000,
            },
            "internal": {"arn": arns["internal"], "dns_name": names["internal"], "listeners": listeners},
        }

    def _listener(self, balancer: str, port: int, place: dict[str, str]) -> str:
        made = self.session.elbv2.create_listener(
            LoadBalancerArn=balancer,
            Protocol="HTTP",
            Port=port,
            DefaultActions=[{"Type": "forward", "TargetGroupArn": place["target_group"]}],
        )
        return made["Listeners"][0]["ListenerArn"]

    def _ecs_service(self, name: str, color: Color, service: dict[str, Any], subnets: list[str], group: str) -> None:
        ecs = self.session.ecs
        placeholder = ecs.register_task_definition(
            family=f"{service['family']}-placeholder",
            requiresCompatibilities=["FARGATE"],
            networkMode="awsvpc",
            cpu="256",
            memory="512",
            containerDefinitions=[{"name": name, "image": "placeholder", "essential": True}],
        )["taskDefinition"]["taskDefinitionArn"]
        place = service["colors"][color.value]
        ecs.create_service(
            cluster=self.prefix,
            serviceName=place["service"],
            taskDefinition=placeholder,
            desiredCount=0,
            launchType="FARGATE",
            networkConfiguration={"awsvpcConfiguration": {"subnets": subnets, "securityGroups": [group]}},
            loadBalancers=[{"targetGroupArn": place["target_group"], "containerName": name, "containerPort": 8080}],
            deploymentConfiguration={
                "minimumHealthyPercent": 100,
                "maximumPercent": 200,
                "deploymentCircuitBreaker": {"enable": True, "rollback": True},
            },
        )


_INTERNAL = {"blue": 8081, "green": 8082}
