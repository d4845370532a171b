"""A production deploy is killed with the traffic split, and no command is given any more: the schedule puts it back."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable
from typing import Any

from tests.chaos.site import Site
from tests.e2e import faults
from tests.e2e.conftest import visitors

LEASE_S = 60
SPLIT = r" deploy +blue \d\d?%, green \d\d?%"
SLACK_S = 20
"""MiniStack looks at schedules every ten seconds, and the task has to start on a machine that is busy."""
SAYS_S = 40
"""After the traffic is back it scales the other color down, and its log has to arrive."""


def weights(site: Site) -> dict[str, int]:
    """What the public listener gives to each target group, asked of the load balancer itself."""
    listener = site.topology["load_balancers"]["public"]["listener"]
    (found,) = site.client("elbv2").describe_listeners(ListenerArns=[listener])["Listeners"]
    groups = found["DefaultActions"][0]["ForwardConfig"]["TargetGroups"]
    return {group["TargetGroupArn"]: group["Weight"] for group in groups}


def until(found: Callable[[], Any], what: str, timeout_s: float) -> Any:
    """Return the first truthy answer, asked twice a second."""
    deadline = time.monotonic() + timeout_s
    while not (answer := found()):
        assert time.monotonic() < deadline, f"waited {timeout_s:.0f} s for {what}"
        time.sleep(0.5)
    return answer


def settled(site: Site, since_ms: int) -> list[dict[str, Any]]:
    """The lines in which the reconciler says that it settled something."""
    group = site.topology["reconciler"]["log_group"]
    events = site.client("logs").filter_log_events(logGroupName=group, startTime=since_ms)["events"]
    lines = [json.loads(event["message"]) for event in events if event["message"].startswith("{")]
    return [line for line in lines if line["outcome"] == "settled"]


def test_a_split_that_nobody_looks_after_is_put_back(production: Site) -> None:
    """Within the lease's time; no visitor is refused meanwhile, and the environment is free again."""
    before, serves = production.status(), weights(production)
    assert [0, 100] == sorted(serves.values())
    faults.change_backend(production.checkout)
    with visitors(before["url"]) as seen:
        run = production.begin("deploy")
        run.until(SPLIT, timeout_s=900)
        run.signal(signal.SIGKILL)
        killed, killed_ms = time.monotonic(), int(time.time() * 1000)
        run.end()
        assert 0 < min(weights(production).values()), "it was killed too late"

        until(lambda: weights(production) == serves, "the split to be put back", LEASE_S + SLACK_S)
        took_s = time.monotonic() - killed
        (line,) = until(lambda: settled(production, killed_ms), "the reconciler to say so", SAYS_S)
        status = production.status()

    print(f"put back {took_s:.0f} s after the kill, by a look of {line['duration_s']} s; visitors: {dict(seen)}")  # noqa: T201
    assert {"200"} == set(seen)
    assert (before["release"], True, None, None) == (
        status["release"],
        status["healthy"],
        status["lock"],
        status["in_progress"],
    )
    assert before["traffic"] == status["traffic"]
