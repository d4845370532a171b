"""What the tests run on a local cloud: an app that does as it is told, and the AWS resources around it.

A little longer than others: one stand, its app and its waits belong together.
"""

from __future__ import annotations

import http.client
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from math import erfc, sqrt
from typing import Any

import boto3
from botocore.config import Config

APP = r"""
use IO::Socket::INET; use POSIX ":sys_wait_h"; $| = 1;
if ($ENV{CRASH}) { print STDERR "cannot reach the database\n"; exit 7 }
my ($name, $ending) = ($ENV{NAME} // "app", 0);
$SIG{TERM} = sub { $ending = 1 };
my $server = IO::Socket::INET->new(LocalPort => 8080, Listen => 128, ReuseAddr => 1) or die "no port: $!";
sub facts {
    open my $status, "<", "/proc/self/status"; my ($caps) = grep { /^CapEff/ } <$status>; my @caps = split " ", $caps;
    my $root = open(my $one, ">", "/root-file") ? "writable" : "read-only";
    my $tmp = open(my $two, ">", "/tmp/file") ? "writable" : "read-only";
    my $mode = sprintf "%o", (stat "/tmp")[2] & 07777;
    return "uid=$> gid=" . (split " ", $))[0] . " caps=$caps[1] root=$root tmp=$tmp mode=$mode";
}
sub answer {
    my ($client, $path, $headers) = @_;
    do { open my $sick, ">", "/tmp/sick" } if $path eq "/fall-ill/$name";
    my $status = $path eq "/health" && ($ENV{SICK} || -e "/tmp/sick") ? "500 Sick" : "200 OK";
    my $body = $path eq "/facts" ? facts() : $path eq "/headers" ? $headers : $name;
    print $client "HTTP/1.1 $status\r\nContent-Length: " . length($body) . "\r\nConnection: close\r\n\r\n$body";
    close $client;
}
until ($ending) {
    my $client = $server->accept or next;
    my ($path) = (<$client> // "") =~ m{^\w+ (\S+)}; my $headers = "";
    while (<$client>) { last if /^\r?$/; $headers .= $_ }
    waitpid(-1, WNOHANG); next unless defined $path;
    if ($path eq "/slow") { if (fork) { close $client; next } $SIG{TERM} = "IGNORE"; sleep 3 }
    answer($client, $path, $headers); exit 0 if $path eq "/slow";
}
1 while waitpid(-1, 0) > 0; print "$name ended in peace\n";
"""
"""In Debian's perl-base. Environment: NAME (its answer), SICK (500 on /health), CRASH (exit 7 at once)."""

REGION = "ap-south-1"
CLUSTER = "stand"
DEADLINE_S = 60.0


def wait_for(find: Callable[[], Any], what: str, timeout_s: float = DEADLINE_S) -> Any:
    """Return the first truthy answer of FIND, asked ten times a second; fails with WHAT and the last answer."""
    deadline = time.monotonic() + timeout_s
    while not (found := find()):
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {timeout_s:.0f} s for {what}; last seen: {found!r}")
        time.sleep(0.1)
    return found


@dataclass(frozen=True, slots=True)
class Answer:
    """Status and body of one HTTP answer."""

    status: int
    text: str


@dataclass
class Load:
    """What a constant load met: answers by (path, status, text), and everything that was not a 200."""

    answers: dict[tuple[str, int, str], int] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)

    def note(self, path: str, answer: Answer) -> None:
        """Count one answer."""
        key = (path, answer.status, answer.text)
        self.answers[key] = self.answers.get(key, 0) + 1
        if answer.status != 200:
            self.failures.append(f"{path}: {answer.status} {answer.text[:80]}")

    def texts(self, path: str) -> set[str]:
        """Who answered PATH."""
        return {text for asked, _, text in self.answers if asked == path}


class Stand:
    """A load balancer on port 80 with a blue and a green target group, and services behind them, all of one name."""

    def __init__(self, endpoint: str, http_port: int, image: str) -> None:
        self.name = f"t{secrets.token_hex(4)}"
        self.endpoint = endpoint
        self._http_port = http_port
        self._image = image
        self._services: list[str] = []

    def client(self, service: str) -> Any:
        """A boto3 client of the cloud that lets a check have a shorter interval than AWS would: tests hurry."""
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(parameter_validation=False),
        )

    @cached_property
    def elb(self) -> Any:
        return self.client("elbv2")

    @cached_property
    def ecs(self) -> Any:
        return self.client("ecs")

    @cached_property
    def balancer(self) -> str:
        made = self.elb.create_load_balancer(Name=self.name, Subnets=["subnet-a", "subnet-b"])
        return str(made["LoadBalancers"][0]["LoadBalancerArn"])

    @cached_property
    def blue(self) -> str:
        return self.target_group("blue")

    @cached_property
    def green(self) -> str:
        return self.target_group("green")

    @cached_property
    def listener(self) -> str:
        """The listener on port 80; at first all traffic is blue's."""
        made = self.elb.create_listener(
            LoadBalancerArn=self.balancer, Port=80, Protocol="HTTP", DefaultActions=self.forward(100, 0)
        )
        return str(made["Listeners"][0]["ListenerArn"])

    def target_group(self, color: str, **settings: Any) -> str:
        """Make a target group that checks /health every second and drains for up to 10 s."""
        made = self.elb.create_target_group(
            Name=f"{self.name}-{color}", Port=8080, Protocol="HTTP", VpcId="vpc-a", TargetType="ip",
            HealthCheckPath="/health", HealthyThresholdCount=2, UnhealthyThresholdCount=2,
            **{"HealthCheckIntervalSeconds": 1, "HealthCheckTimeoutSeconds": 1} | settings,
        )  # fmt: skip
        arn = str(made["TargetGroups"][0]["TargetGroupArn"])
        delay = [{"Key": "deregistration_delay.timeout_seconds", "Value": "10"}]
        self.elb.modify_target_group_attributes(TargetGroupArn=arn, Attributes=delay)
        return arn

    def forward(self, blue: int, green: int) -> list[dict[str, Any]]:
        """A forward action with these weights."""
        groups = [{"TargetGroupArn": self.blue, "Weight": blue}, {"TargetGroupArn": self.green, "Weight": green}]
        return [{"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}]

    def shift(self, blue: int, green: int) -> None:
        """Set the weights."""
        self.elb.modify_listener(ListenerArn=self.listener, DefaultActions=self.forward(blue, green))

    def revision(self, color: str, **environment: str) -> str:
        """Register a task definition of the app, locked down as the project's are."""
        return self.register(color, self.container(color, **environment))

    def container(self, color: str, **environment: str) -> dict[str, Any]:
        """The container definition of the app."""
        return {
            "name": "app", "image": self._image, "essential": True, "stopTimeout": 20,
            "user": "10001:10001", "readonlyRootFilesystem": True,
            "linuxParameters": {"capabilities": {"drop": ["ALL"]}},
            "mountPoints": [{"sourceVolume": "tmp", "containerPath": "/tmp"}],
            "portMappings": [{"containerPort": 8080}],
            "entryPoint": ["perl", "-e"], "command": [APP],
            "environment": [{"name": key, "value": value} for key, value in ({"NAME": color} | environment).items()],
        }  # fmt: skip

    def register(self, color: str, *containers: dict[str, Any], mode: str = "awsvpc") -> str:
        """Register a task definition of these containers; returns its ARN."""
        made = self.ecs.register_task_definition(
            family=f"{self.name}-{color}", networkMode=mode, requiresCompatibilities=["FARGATE"],
            cpu="256", memory="512", volumes=[{"name": "tmp"}], containerDefinitions=list(containers),
        )  # fmt: skip
        return str(made["taskDefinition"]["taskDefinitionArn"])

    def serve(self, color: str, count: int = 1, **environment: str) -> None:
        """Start a service behind the target group of COLOR and wait until it is steady."""
        assert self.listener
        self.ecs.create_cluster(clusterName=CLUSTER)
        group = {"blue": self.blue, "green": self.green}[color]
        self._services.append(f"{self.name}-{color}")
        self.ecs.create_service(
            cluster=CLUSTER, serviceName=self._services[-1], taskDefinition=self.revision(color, **environment),
            desiredCount=count, launchType="FARGATE",
            loadBalancers=[{"targetGroupArn": group, "containerName": "app", "containerPort": 8080}],
            networkConfiguration={"awsvpcConfiguration": {"subnets": ["subnet-a"]}},
            deploymentConfiguration={
                "maximumPercent": 200, "minimumHealthyPercent": 100,
                "deploymentCircuitBreaker": {"enable": True, "rollback": True},
            },
        )  # fmt: skip
        self.steady(color)

    def update(self, color: str, revision: str) -> None:
        """Begin a rolling update of the service of COLOR."""
        self.ecs.update_service(cluster=CLUSTER, service=f"{self.name}-{color}", taskDefinition=revision)

    def deployments(self, color: str) -> list[dict[str, Any]]:
        """The deployments of the service of COLOR."""
        found = self.ecs.describe_services(cluster=CLUSTER, services=[f"{self.name}-{color}"])["services"][0]
        return list(found["deployments"])

    def steady(self, color: str) -> None:
        """Wait until the newest deployment of COLOR is complete."""
        wait_for(lambda: self.deployments(color)[0]["rolloutState"] == "COMPLETED", f"a steady {color} service")

    def tasks(self, color: str, status: str = "RUNNING") -> list[dict[str, Any]]:
        """The tasks of COLOR that run, or have STOPPED."""
        arns = self.ecs.list_tasks(cluster=CLUSTER, family=f"{self.name}-{color}", desiredStatus=status)["taskArns"]
        return list(self.ecs.describe_tasks(cluster=CLUSTER, tasks=arns)["tasks"]) if arns else []

    def health(self, group: str) -> list[dict[str, Any]]:
        """The TargetHealth of every target of GROUP."""
        found = self.elb.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
        return [one["TargetHealth"] for one in found]

    @contextmanager
    def connection(self) -> Iterator[Callable[[str], Answer]]:
        """A kept-alive connection to the load balancer; call it with a path."""
        connection = http.client.HTTPConnection("127.0.0.1", self._http_port, timeout=20)

        def ask(path: str, headers: Mapping[str, str] | None = None) -> Answer:
            connection.request("GET", path, headers={"Host": f"{self.name}.alb.localhost", **(headers or {})})
            answer = connection.getresponse()
            return Answer(answer.status, answer.read().decode())

        try:
            yield ask
        finally:
            connection.close()

    def get(self, path: str = "/") -> Answer:
        """One request through the load balancer, on a connection of its own."""
        with self.connection() as ask:
            return ask(path)

    def remove(self) -> None:
        """Take away what was made, so that port 80 and the machine are the next test's."""
        for service in self._services:
            self.ecs.delete_service(cluster=CLUSTER, service=service, force=True)
        for listener in self.elb.describe_listeners(LoadBalancerArn=self.balancer)["Listeners"]:
            self.elb.delete_listener(ListenerArn=listener["ListenerArn"])
        self.elb.delete_load_balancer(LoadBalancerArn=self.balancer)


def chi_squared_p(observed: Sequence[int], expected: Sequence[float]) -> float:
    """The probability of a deviation at least this large with one degree of freedom: p = erfc(sqrt(x / 2))."""
    return erfc(sqrt(sum((seen - due) ** 2 / due for seen, due in zip(observed, expected, strict=True)) / 2))
