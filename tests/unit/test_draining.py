"""The order of times: each wrong one is told with its numbers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deployer.draining import STOP_TIMEOUT_S, VARIABLES, Times, containers, wrong_orders

GOOD = Times("backend", 50, 75, 25, 30, 60, 60, 300)


def test_as_shipped_every_order_is_right() -> None:
    """What the containers are told, beside what modules/compute sets (its own test says so)."""
    request_s, keep_alive_s, grace_s = containers({})

    assert Times("backend", request_s, keep_alive_s, grace_s, STOP_TIMEOUT_S, 60, 60, 300) == GOOD
    assert [] == list(wrong_orders(GOOD))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"deregistration_delay_s": 15}, "deregistration delay 15 s <= longest request 50 s"),
        ({"deregistration_delay_s": 50}, "deregistration delay 50 s <= longest request 50 s"),
        ({"idle_timeout_s": 55}, "load balancer idle timeout 55 s <= longest wait for an answer 55 s"),
        ({"keep_alive_s": 60}, "keep-alive of the container 60 s <= load balancer idle timeout 60 s"),
        ({"grace_s": 30}, "stopTimeout 30 s <= grace of the container 30 s"),
        ({"stop_timeout_s": 121}, "Fargate's limit 121 s <= stopTimeout 121 s"),
        ({"steady_timeout_s": 90.0}, "steady_timeout_s 90 s <= deregistration delay + stopTimeout 90 s"),
    ],
)
def test_each_wrong_order_is_told_with_the_numbers(change: dict[str, int], told: str) -> None:
    """Equal is wrong too: nobody knows who is first then."""
    [line] = wrong_orders(replace(GOOD, **change))

    assert line.startswith(f"backend: {told}: ")


def test_what_an_environment_says_wins() -> None:
    """Its tfvars may name the containers' variables; only whole seconds are understood."""
    assert (50, 10, 25) == containers({"KEEP_ALIVE_S": "10", "OTHER": "x"})
    with pytest.raises(ValueError, match="soon"):
        containers({"GRACE_S": "soon"})
    assert {"REQUEST_TIMEOUT_S", "KEEP_ALIVE_S", "GRACE_S"} == set(VARIABLES)
