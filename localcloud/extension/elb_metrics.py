"""The metrics of ``AWS/ApplicationELB``, published every second from HAProxy's request log and the targets' health.

Names, units and dimensions as on AWS, where a count that is zero is not published and host counts always are:
https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-cloudwatch-metrics.html
Unlike there a datum is there a second after the request ended, and ten minutes later it is gone.
"""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from localcloud.extension import haproxy_config as config
from localcloud.extension.access_log import AccessLog, Counts, Tally
from localcloud.extension.dataplane import DataPlane
from localcloud.extension.elb import Listener, State, Target
from localcloud.extension.emulator import replace
from localcloud.extension.health import TargetHealth

log = logging.getLogger("localcloud.elb_metrics")

NAMESPACE = "AWS/ApplicationELB"
PERIOD_S = 1.0
KEPT_S = 600.0

Key = tuple[str, str, tuple[str, str, str]]  # account, region, (namespace, metric, dimensions)
Datum = tuple[str, str, Mapping[str, str], str, Mapping[float, int]]  # ARN, metric, dimensions, unit, value -> count
HealthOf = Callable[[str, Target], TargetHealth]


class Recent(list[dict[str, Any]]):
    """Points that are not worth a place in the saved state: a restarted cloud has no past traffic."""

    def __deepcopy__(self, _memo: Any) -> list[dict[str, Any]]:
        return []


class Publisher:
    """Puts what was counted into MiniStack's CLOUDWATCH module, then lets EVALUATE look at the alarms."""

    def __init__(self, cloudwatch: Any, plane: DataPlane, requests: AccessLog, evaluate: Callable[[], None]) -> None:
        self._cloudwatch = cloudwatch
        self._plane = plane
        self._requests = requests
        self._evaluate = evaluate

    def install(self) -> None:
        """MiniStack's own eviction would copy every point at every request; ours are dropped here."""
        replace(self._cloudwatch, "_evict_old_metrics", self._evict)

    def start(self) -> None:
        """Start the thread; it lives as long as the process."""
        threading.Thread(target=self._run, daemon=True, name="localcloud-metrics").start()

    def _run(self) -> None:
        while True:
            time.sleep(PERIOD_S)
            try:
                self.publish(time.time())
                self._evaluate()
            except Exception:
                log.exception("the metrics of the load balancers could not be published; trying again")

    def publish(self, now: float) -> None:
        """Store what was counted since the last time."""
        state = self._plane.state
        data = [*of_requests(self._requests.take(), state), *of_hosts(state, self._plane.health_of)]
        for arn, name, dimensions, unit, values in data:
            _, _, _, region, account, _ = arn.split(":", 5)
            key = (account, region, (NAMESPACE, name, self._cloudwatch._dims_key(dimensions)))
            points = self._cloudwatch._metrics._data.get(key)
            if not isinstance(points, Recent):
                points = self._cloudwatch._metrics._data[key] = Recent()
            while points and points[0]["Timestamp"] < now - KEPT_S:
                del points[: 100 if points[min(99, len(points) - 1)]["Timestamp"] < now - KEPT_S else 1]
            same = {"Timestamp": now, "Unit": unit, "Dimensions": dict(dimensions)}
            points.extend({**same, "Value": value, "Count": float(count)} for value, count in values.items())

    def _evict(self) -> None:
        metrics, oldest = self._cloudwatch._metrics, time.time() - self._cloudwatch.TWO_WEEKS_SECONDS
        for key, points in metrics.items():
            if not isinstance(points, Recent):
                metrics[key] = [point for point in points if point["Timestamp"] >= oldest]


def balancer_of(listener: str) -> str:
    """The dimension LoadBalancer of a listener's ARN.

    >>> balancer_of("arn:aws:elasticloadbalancing:ap-south-1:000000000000:listener/app/web/50dc/f2f7")
    'app/web/50dc'
    """
    return listener.partition(":listener/")[2].rpartition("/")[0]


def group_of(arn: str) -> str:
    """The dimension TargetGroup of a target group's ARN.

    >>> group_of("arn:aws:elasticloadbalancing:ap-south-1:000000000000:targetgroup/web/73e2")
    'targetgroup/web/73e2'
    """
    return arn.rpartition(":")[2]


def of_requests(counts: Counts, state: State) -> list[Datum]:
    """One datum for each metric that has something to tell, by target group and by load balancer alone."""
    listeners = {config.short(listener.arn): listener for listener in state.listeners}
    groups = {config.backend(group.arn): group.arn for group in state.groups}
    data: list[Datum] = []
    whole: dict[str, Tally] = {}
    for (name, backend), tally in counts.groups.items():
        if name not in listeners or backend not in groups:
            continue  # removed since
        arn = listeners[name].arn
        balancer = {"LoadBalancer": balancer_of(arn)}
        data += _of(tally, arn, {**balancer, "TargetGroup": group_of(groups[backend])})
        _add(whole.setdefault(arn, Tally()), tally)
    for arn, tally in whole.items():
        data += _of(tally, arn, {"LoadBalancer": balancer_of(arn)})
    for (name, kind), count in counts.refused.items():
        if name in listeners:
            arn = listeners[name].arn
            metric = f"HTTPCode_ELB_{kind}XX_Count"
            data.append((arn, metric, {"LoadBalancer": balancer_of(arn)}, "Count", {1.0: count}))
    return data


def _add(whole: Tally, part: Tally) -> None:
    whole.requests += part.requests
    whole.classes += part.classes
    whole.response_ms += part.response_ms


def _of(tally: Tally, arn: str, dimensions: Mapping[str, str]) -> list[Datum]:
    data: list[Datum] = [(arn, "RequestCount", dimensions, "Count", {1.0: tally.requests})]
    for kind, count in tally.classes.items():
        data.append((arn, f"HTTPCode_Target_{kind}XX_Count", dimensions, "Count", {1.0: count}))
    if tally.response_ms:
        seconds = {response_ms / 1000: count for response_ms, count in tally.response_ms.items()}
        data.append((arn, "TargetResponseTime", dimensions, "Seconds", seconds))
    return data


def of_hosts(state: State, health_of: HealthOf) -> list[Datum]:
    """Healthy and unhealthy targets of every group, for each load balancer that forwards to it."""
    data: list[Datum] = []
    for group in state.groups:
        states = Counter(health_of(group.arn, target).state for target in group.targets)
        for listener in _users(group.arn, state):
            dimensions = {"LoadBalancer": balancer_of(listener.arn), "TargetGroup": group_of(group.arn)}
            data.append((group.arn, "HealthyHostCount", dimensions, "Count", {float(states["healthy"]): 1}))
            data.append((group.arn, "UnHealthyHostCount", dimensions, "Count", {float(states["unhealthy"]): 1}))
    return data


def _users(group: str, state: State) -> list[Listener]:
    """One listener of each load balancer whose rules name the group."""
    using = [one for one in state.listeners if any(group in dict(rule.action.weights) for rule in one.rules)]
    return list({balancer_of(listener.arn): listener for listener in using}.values())
