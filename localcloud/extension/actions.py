"""Weighted forward actions: MiniStack drops ``ForwardConfig`` when it parses actions and when it prints them.

Source: https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_ForwardActionConfig.html
(weights 0-999, up to five target groups, and AWS answers with both forms for a single target group).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape

from localcloud.extension.emulator import replace

Params = Mapping[str, list[str] | str]
Action = dict[str, Any]
Parse = Callable[[Params, str], list[Action]]
Print = Callable[[Action], str]

DEFAULT_STICKINESS_S = 3600


def install(alb: Any) -> None:
    """Teach MiniStack's ALB module (parse and print of actions) about ``ForwardConfig`` and our DNS names."""
    parse, show = alb._parse_actions, alb._action_xml
    replace(alb, "_parse_actions", lambda params, prefix="DefaultActions": with_forward(parse, params, prefix))
    replace(alb, "_action_xml", lambda action: forward_xml(show, action))
    show_group = alb._tg_xml

    def group_xml(group: Action) -> Any:
        return show_group({**group, "LoadBalancerArns": _users(alb, group["TargetGroupArn"])})

    replace(alb, "_tg_xml", group_xml)
    create = alb._create_lb

    def create_named(params: Params) -> Any:
        """The load balancer's DNS name is one that resolves here, inside the cloud's network and in browsers."""
        known = {arn for arn, _ in alb._lbs.items()}
        answer = create(params)
        for arn, balancer in alb._lbs.items():
            if arn not in known:
                given = balancer["DNSName"]
                balancer["DNSName"] = dns_name(balancer["LoadBalancerName"])
                status, headers, body = answer
                answer = (status, headers, body.replace(given.encode(), balancer["DNSName"].encode()))
        return answer

    replace(alb, "_create_lb", create_named)


def _users(alb: Any, group: str) -> list[str]:
    """The load balancers that forward to GROUP; MiniStack notes them once and never takes one back."""
    owners = {arn: record["LoadBalancerArn"] for arn, record in alb._listeners.items()}
    using = {
        owners[rule["ListenerArn"]]
        for rule in alb._rules.values()
        if rule["ListenerArn"] in owners and group in _named(rule.get("Actions", ()))
    }
    return sorted(using)


def _named(actions: Sequence[Action]) -> set[str]:
    return {
        group["TargetGroupArn"]
        for action in actions
        for group in (action, *action.get("ForwardConfig", {}).get("TargetGroups", ()))
        if "TargetGroupArn" in group
    }


def dns_name(load_balancer: str) -> str:
    """The name under which LOAD_BALANCER answers, on the host (browsers, curl) and in its network."""
    return f"{load_balancer.lower()}.alb.localhost"


def with_forward(parse: Parse, params: Params, prefix: str) -> list[Action]:
    """The actions as MiniStack parses them, each forward completed with its target groups and weights."""
    actions = parse(params, prefix)
    for index, action in enumerate(actions, 1):
        if action["Type"] != "forward":
            continue
        base = f"{prefix}.member.{index}.ForwardConfig"
        groups = _target_groups(params, base)
        if not groups and "TargetGroupArn" in action:
            groups = [{"TargetGroupArn": action["TargetGroupArn"], "Weight": 1}]
        action["ForwardConfig"] = {"TargetGroups": groups, "Stickiness": _stickiness(params, base)}
        if len(groups) == 1:
            action["TargetGroupArn"] = groups[0]["TargetGroupArn"]
    return actions


def forward_xml(show: Print, action: Action) -> str:
    """The action as MiniStack prints it, with ``ForwardConfig`` as AWS would."""
    printed = show(action)
    config = action.get("ForwardConfig")
    if not config:
        return printed
    groups = "".join(
        f"<member><TargetGroupArn>{escape(group['TargetGroupArn'])}</TargetGroupArn>"
        f"<Weight>{group['Weight']}</Weight></member>"
        for group in config["TargetGroups"]
    )
    sticky = config["Stickiness"]
    enabled = str(sticky["Enabled"]).lower()
    duration = f"<DurationSeconds>{sticky['DurationSeconds']}</DurationSeconds>" if sticky["DurationSeconds"] else ""
    forward = (
        f"<ForwardConfig><TargetGroups>{groups}</TargetGroups>"
        f"<TargetGroupStickinessConfig><Enabled>{enabled}</Enabled>{duration}</TargetGroupStickinessConfig>"
        f"</ForwardConfig>"
    )
    return printed.removesuffix("</member>") + forward + "</member>"


def _target_groups(params: Params, base: str) -> list[Action]:
    """The groups of one ForwardConfig; an absent weight is 1."""
    groups: list[Action] = []
    while arn := _value(params, f"{base}.TargetGroups.member.{len(groups) + 1}.TargetGroupArn"):
        weight = _value(params, f"{base}.TargetGroups.member.{len(groups) + 1}.Weight")
        groups.append({"TargetGroupArn": arn, "Weight": int(weight or "1")})
    return groups


def _stickiness(params: Params, base: str) -> Action:
    """Stickiness is kept so that clients read back what they wrote; the data plane never honours it."""
    enabled = _value(params, f"{base}.TargetGroupStickinessConfig.Enabled").lower() == "true"
    seconds = _value(params, f"{base}.TargetGroupStickinessConfig.DurationSeconds")
    absent = DEFAULT_STICKINESS_S if enabled else 0
    return {"Enabled": enabled, "DurationSeconds": int(seconds) if seconds else absent}


def _value(params: Params, key: str) -> str:
    found = params.get(key, "")
    return str(found[0] if found else "") if isinstance(found, list) else str(found)
