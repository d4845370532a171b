"""The ELBv2 state as frozen values: what the data plane and the health checks are told, and nothing more.

No I/O and no MiniStack imports here; ``read`` takes MiniStack's ALB module.
"""

from dataclasses import dataclass
from typing import Any

from localcloud.extension.actions import dns_name

Record = dict[str, Any]

LAST = 1_000_000  # sorts the default rule behind AWS's highest priority, 50,000


@dataclass(frozen=True, slots=True, order=True)
class Target:
    """One address of a target group."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """How a target group checks its targets; times in seconds, ``codes`` as AWS writes them ("200,301-302")."""

    path: str = "/"
    port: str = "traffic-port"
    codes: str = "200"
    interval_s: float = 30.0
    timeout_s: float = 5.0
    healthy_after: int = 5
    unhealthy_after: int = 2
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class TargetGroup:
    """A target group with its registered targets; ``in_use`` when an action of a listener names it."""

    arn: str
    name: str
    check: HealthCheck
    deregistration_delay_s: float
    targets: tuple[Target, ...]
    in_use: bool


@dataclass(frozen=True, slots=True)
class Action:
    """What a rule does: ``weights`` (target group ARN, weight) of a forward, else the raw redirect or response."""

    kind: str
    weights: tuple[tuple[str, int], ...] = ()
    settings: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """Conditions as (field, values), all of which must hold, and the action taken then."""

    arn: str
    priority: int
    conditions: tuple[tuple[str, tuple[str, ...]], ...]
    action: Action


@dataclass(frozen=True, slots=True)
class Listener:
    """One port of one load balancer, with its rules in the order they are tried."""

    arn: str
    host: str
    port: int
    idle_timeout_s: int
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class State:
    """Everything the load balancers are told to do."""

    listeners: tuple[Listener, ...]
    groups: tuple[TargetGroup, ...]

    def group(self, arn: str) -> TargetGroup | None:
        """The target group of that ARN, if there is one."""
        return next((group for group in self.groups if group.arn == arn), None)


def read(alb: Any) -> State:
    """The present state of every account and region in MiniStack's ALB module."""
    balancers = {arn: record for (_, _, arn), record in alb._lbs.all_items()}
    rules = [record for _, record in alb._rules.all_items()]
    listeners = tuple(
        _listener(record, balancers[record["LoadBalancerArn"]], rules, _attributes(alb._lb_attrs, record))
        for _, record in alb._listeners.all_items()
        if record["LoadBalancerArn"] in balancers and record.get("Protocol", "HTTP") == "HTTP"
    )
    used = {arn for listener in listeners for rule in listener.rules for arn, _ in rule.action.weights}
    groups = tuple(_group(alb, record, used) for _, record in alb._tgs.all_items())
    return State(tuple(sorted(listeners, key=lambda one: (one.port, one.host))), groups)


def _listener(record: Record, balancer: Record, rules: list[Record], attributes: dict[str, str]) -> Listener:
    mine = [_rule(rule) for rule in rules if rule.get("ListenerArn") == record["ListenerArn"]]
    return Listener(
        arn=record["ListenerArn"],
        host=dns_name(balancer["LoadBalancerName"]),
        port=int(record.get("Port", 80)),
        idle_timeout_s=int(attributes.get("idle_timeout.timeout_seconds", "60")),
        rules=tuple(sorted(mine, key=lambda rule: rule.priority)),
    )


def _attributes(store: Any, listener: Record) -> dict[str, str]:
    return _pairs(store, listener["LoadBalancerArn"])


def _pairs(store: Any, arn: str) -> dict[str, str]:
    for (_, key), pairs in store._data.items():
        if key == arn:
            return {pair["Key"]: pair["Value"] for pair in pairs}
    return {}


def _rule(record: Record) -> Rule:
    conditions = tuple((one["Field"], tuple(one.get("Values", ()))) for one in record.get("Conditions", ()))
    actions = sorted(record.get("Actions", ()), key=lambda one: int(one.get("Order", 1)))
    priority = str(record.get("Priority", "default"))
    rank = int(priority) if priority.isdigit() else LAST
    return Rule(record["RuleArn"], rank, conditions, _action(actions[-1] if actions else {}))


def _action(record: Record) -> Action:
    kind = str(record.get("Type", ""))
    if kind == "forward":
        groups = record.get("ForwardConfig", {}).get("TargetGroups") or [
            {"TargetGroupArn": record.get("TargetGroupArn", ""), "Weight": 1}
        ]
        return Action(kind, weights=tuple((one["TargetGroupArn"], int(one["Weight"])) for one in groups))
    settings = record.get("FixedResponseConfig") or record.get("RedirectConfig") or {}
    return Action(kind, settings=tuple(sorted((key, str(value)) for key, value in settings.items())))


def _group(alb: Any, record: Record, used: set[str]) -> TargetGroup:
    arn = record["TargetGroupArn"]
    found: list[Record] = next((targets for (_, key), targets in list(alb._targets._data.items()) if key == arn), [])
    port = int(record.get("Port", 80))
    return TargetGroup(
        arn=arn,
        name=record["TargetGroupName"],
        check=HealthCheck(
            path=record.get("HealthCheckPath", "/"),
            port=str(record.get("HealthCheckPort", "traffic-port")),
            codes=record.get("Matcher", {}).get("HttpCode", "200"),
            interval_s=float(record.get("HealthCheckIntervalSeconds", 30)),
            timeout_s=float(record.get("HealthCheckTimeoutSeconds", 5)),
            healthy_after=int(record.get("HealthyThresholdCount", 5)),
            unhealthy_after=int(record.get("UnhealthyThresholdCount", 2)),
            enabled=bool(record.get("HealthCheckEnabled", True)),
        ),
        deregistration_delay_s=float(_pairs(alb._tg_attrs, arn).get("deregistration_delay.timeout_seconds", "300")),
        targets=tuple(sorted({Target(str(one["Id"]), int(one.get("Port", port))) for one in found})),
        in_use=arn in used,
    )
