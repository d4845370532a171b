"""What is published of what was counted: names, dimensions, and what is left out."""

from __future__ import annotations

from localcloud.extension import haproxy_config as config
from localcloud.extension.access_log import Counts, Request
from localcloud.extension.elb import Action, HealthCheck, Listener, Rule, State, Target, TargetGroup
from localcloud.extension.elb_metrics import of_hosts, of_requests
from localcloud.extension.health import TargetHealth

LB = "arn:aws:elasticloadbalancing:ap-south-1:000000000000:listener/app/web/50dc"
BLUE = "arn:aws:elasticloadbalancing:ap-south-1:000000000000:targetgroup/blue/1"
TARGETS = (Target("10.0.0.1", 80), Target("10.0.0.2", 80), Target("10.0.0.3", 80))
GROUP = TargetGroup(BLUE, "blue", HealthCheck(), 15.0, TARGETS, True)
WHOLE = {"LoadBalancer": "app/web/50dc"}
OF_BLUE = {"LoadBalancer": "app/web/50dc", "TargetGroup": "targetgroup/blue/1"}


def listener(number: int) -> Listener:
    """A listener of the load balancer that sends everything to blue."""
    return Listener(f"{LB}/f2f{number}", "web", 80 + number, 60, (Rule("r", 1, (), Action("forward", ((BLUE, 100),))),))


STATE = State((listener(0), listener(1)), (GROUP,))


def test_requests_are_published_by_target_group_and_as_a_whole() -> None:
    """Both listeners of a load balancer add to the same metrics; a zero is not published."""
    counts = Counts()
    for number, status, took in ((0, 200, 10), (0, 200, 10), (1, 500, 30)):
        name = config.short(listener(number).arn)
        counts.note(Request(name, config.backend(BLUE), status, took))
    data = of_requests(counts, STATE)

    assert 3 == sum(sum(v.values()) for _, name, at, _, v in data if (name, at) == ("RequestCount", OF_BLUE))
    assert 3 == sum(sum(v.values()) for _, name, at, _, v in data if (name, at) == ("RequestCount", WHOLE))
    assert [{1.0: 1}] == [v for _, name, at, _, v in data if (name, at) == ("HTTPCode_Target_5XX_Count", OF_BLUE)]
    assert [{0.01: 2}, {0.03: 1}] == [v for _, name, at, _, v in data if (name, at) == ("TargetResponseTime", OF_BLUE)]
    assert [] == [name for _, name, *_ in data if name == "HTTPCode_Target_4XX_Count"]


def test_what_no_target_answered_is_the_balancer_s() -> None:
    """On AWS it has no target group."""
    counts = Counts()
    counts.note(Request(config.short(listener(0).arn), config.backend(BLUE), 502, None))
    data = of_requests(counts, STATE)

    assert [(WHOLE, {1.0: 1})] == [(at, v) for _, name, at, _, v in data if name == "HTTPCode_ELB_5XX_Count"]
    assert [] == [name for _, name, *_ in data if name.startswith("HTTPCode_Target")]


def test_requests_of_what_was_removed_are_forgotten() -> None:
    """A deleted listener has no name to publish under."""
    counts = Counts()
    counts.note(Request("gone", config.backend(BLUE), 200, 1))
    assert [] == of_requests(counts, STATE)


def test_hosts_are_published_once_for_each_load_balancer() -> None:
    """Zero too: it is how everybody knows that metrics come at all."""
    states = dict(zip(TARGETS, ("healthy", "unhealthy", "initial"), strict=True))
    data = of_hosts(STATE, lambda _, target: TargetHealth(states[target]))

    assert [
        (BLUE, "HealthyHostCount", OF_BLUE, "Count", {1.0: 1}),
        (BLUE, "UnHealthyHostCount", OF_BLUE, "Count", {1.0: 1}),
    ] == data
