"""How a task leaves without anybody noticing: the times that have to be in order, and who owns each.

ECS takes a task that has to go from the load balancer, which lets requests under way finish for the deregistration
delay and cuts off what is left; then it sends SIGTERM, waits for stopTimeout, and kills. Before that, what counts is
who closes an idle connection first: if the container does, the load balancer now and then sends a request into it.
Terraform owns the load balancers' times, this module the containers' (as environment variables, so both images and
what is checked agree); the tfvars of an environment may set those variables otherwise.
Sources: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-lifecycle-explanation.html,
https://docs.aws.amazon.com/elasticloadbalancing/latest/application/application-load-balancers.html
(connection idle timeout) and …/edit-target-group-attributes.html (deregistration delay).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

STOP_TIMEOUT_S = 30
VARIABLES: Mapping[str, str] = {
    # The longest request that a container finishes: 20 MB at 3.2 Mbit/s.
    "REQUEST_TIMEOUT_S": "50",
    # How long an idle connection stays open.
    "KEEP_ALIVE_S": "75",
    # How long what is under way may take after SIGTERM.
    "GRACE_S": "25",
}
ANSWER_S = 5
"""The frontend waits so much longer than a request may take, so that its answer is the backend's."""
MOST_STOP_TIMEOUT_S = 120
"""Fargate's limit (API page of ContainerDefinition)."""


@dataclass(frozen=True, slots=True)
class Times:
    """The times of one service, in seconds: its containers', its load balancer's, its target group's."""

    service: str
    request_s: int
    keep_alive_s: int
    grace_s: int
    stop_timeout_s: int
    idle_timeout_s: int
    deregistration_delay_s: int
    steady_timeout_s: float


def containers(variables: Mapping[str, str]) -> tuple[int, int, int]:
    """Request, keep-alive and grace of what will run with these variables. Raises ValueError for what is no number."""
    request, keep_alive, grace = (int({**VARIABLES, **variables}[name]) for name in VARIABLES)
    return request, keep_alive, grace


def wrong_orders(times: Times) -> Iterator[str]:
    """Yield a line for each pair that is in the wrong order, with the numbers and what would happen.

    >>> list(wrong_orders(Times("backend", 50, 75, 25, 30, 60, 15, 300)))
    ['backend: deregistration delay 15 s <= longest request 50 s: requests under way would be cut off']
    """
    one = times
    orders = (
        (
            *("longest request", one.request_s, "deregistration delay", one.deregistration_delay_s),
            "requests under way would be cut off",
        ),
        (
            *("longest wait for an answer", one.request_s + ANSWER_S, "load balancer idle timeout", one.idle_timeout_s),
            "the load balancer would answer 504 before the container does",
        ),
        (
            *("load balancer idle timeout", one.idle_timeout_s, "keep-alive of the container", one.keep_alive_s),
            "requests would meet connections that were just closed (502)",
        ),
        (
            *("grace of the container", one.grace_s, "stopTimeout", one.stop_timeout_s),
            "ECS would kill it before it has ended by itself",
        ),
        (
            *("stopTimeout", one.stop_timeout_s, "Fargate's limit", MOST_STOP_TIMEOUT_S + 1),
            "ECS would refuse the task definition",
        ),
        (
            *("deregistration delay + stopTimeout", one.deregistration_delay_s + one.stop_timeout_s),
            *("steady_timeout_s", one.steady_timeout_s),
            "a rollout would be given up while its old tasks still leave",
        ),
    )
    for less, less_s, more, more_s, else_ in orders:
        if less_s >= more_s:
            yield f"{one.service}: {more} {more_s:g} s <= {less} {less_s:g} s: {else_}"
