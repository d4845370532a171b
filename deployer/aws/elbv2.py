"""Traffic: the public listener's weights and the health of targets, through the ELBv2 API."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployer.aws.faults import mapped
from deployer.errors import InputError, StateUncertain
from deployer.model import Color, Target

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mypy_boto3_elbv2.type_defs import ActionOutputTypeDef, TargetGroupTupleTypeDef

    from deployer.aws.session import Session
    from deployer.model import Topology

PUBLIC_SERVICE = "frontend"
"""The service behind the public listener; the other is reached through color-pinned internal listeners."""


class Elbv2:
    """Fills ports.Traffic."""

    def __init__(self, session: Session, topology: Callable[[], Topology]) -> None:
        self._session = session
        self._topology = topology

    def weights(self) -> Mapping[Color, int]:
        """Read the public listener's split from ELBv2, in percent; all zero when it forwards to neither color."""
        return self._read(self._topology().public_listener)

    def set_weights(self, weights: Mapping[Color, int]) -> None:
        """Set the split absolutely and read it back. Raises StateUncertain when the read-back differs."""
        wanted = {color: weights.get(color, 0) for color in Color}
        attempted = "setting the traffic split to " + _words(wanted)
        if sum(wanted.values()) != 100 or min(wanted.values()) < 0:
            raise InputError(attempted, "weights are percentages and add up to 100")
        self._write(self._topology().public_listener, wanted, attempted)

    def test_color(self) -> Color | None:
        """Read the color that the test listener forwards to; None when it forwards elsewhere or to both."""
        weights = self._read(self._topology().test_listener)
        return next((color for color, weight in weights.items() if weight == 100), None)

    def point_test(self, color: Color) -> None:
        """Point the test listener at one color and read it back. Raises StateUncertain when the read-back differs."""
        attempted = f"pointing the test listener at {color}"
        self._write(self._topology().test_listener, {color: 100, color.other: 0}, attempted)

    def _read(self, listener: str) -> Mapping[Color, int]:
        with mapped("reading the traffic split"):
            found = self._session.elbv2.describe_listeners(ListenerArns=[listener])["Listeners"]
        actions = found[0].get("DefaultActions", []) if found else []
        return split(actions, self._groups())

    def _write(self, listener: str, wanted: Mapping[Color, int], attempted: str) -> None:
        groups = self._groups()
        with mapped(attempted):
            self._session.elbv2.modify_listener(
                ListenerArn=listener,
                DefaultActions=[
                    {
                        "Type": "forward",
                        "ForwardConfig": {
                            "TargetGroups": [
                                {"TargetGroupArn": groups[color], "Weight": weight} for color, weight in wanted.items()
                            ],
                            # Stickiness overrides weights: a rollback would leave visitors on the bad color.
                            "TargetGroupStickinessConfig": {"Enabled": False},
                        },
                    }
                ],
            )
        seen = self._read(listener)
        if seen != wanted:
            raise StateUncertain(
                attempted,
                f"the load balancer reads back {_words(seen)}",
                "look at the listener's default action; somebody else may be changing it",
            )

    def targets(self, service: str, color: Color) -> tuple[Target, ...]:
        """Read the registered targets of this color and the load balancer's opinion of each."""
        group = self._topology().services[service].colors[color].target_group
        with mapped(f"reading the targets of {service} {color}"):
            answer = self._session.elbv2.describe_target_health(TargetGroupArn=group)
        return tuple(
            Target(
                f"{described['Target']['Id']}:{described['Target'].get('Port', 0)}",
                described["TargetHealth"].get("State", "unavailable"),
                ": ".join(
                    filter(
                        None,
                        (described["TargetHealth"].get("Reason"), described["TargetHealth"].get("Description")),
                    )
                ),
            )
            for described in answer["TargetHealthDescriptions"]
        )

    def _groups(self) -> Mapping[Color, str]:
        places = self._topology().services[PUBLIC_SERVICE].colors
        return {color: places[color].target_group for color in Color}


def split(actions: list[ActionOutputTypeDef], groups: Mapping[Color, str]) -> Mapping[Color, int]:
    """Turn a listener's default actions into percentages by color.

    ELBv2's weights are relative, 0 to 999 (API page of ForwardActionConfig): 1/1 is 50/50.
    """
    seen = dict.fromkeys(Color, 0)
    for action in actions:
        if action["Type"] != "forward":
            continue
        alone: list[TargetGroupTupleTypeDef] = [{"TargetGroupArn": action.get("TargetGroupArn", ""), "Weight": 1}]
        for group in action.get("ForwardConfig", {}).get("TargetGroups") or alone:
            for color in Color:
                if group.get("TargetGroupArn") == groups[color]:
                    seen[color] += group.get("Weight", 1)
    total = sum(seen.values())
    if total == 0:
        return seen
    blue = round(100 * seen[Color.BLUE] / total)
    return {Color.BLUE: blue, Color.GREEN: 100 - blue}


def _words(weights: Mapping[Color, int]) -> str:
    return ", ".join(f"{color} {weights[color]}%" for color in Color)
