"""Whether people and CI may do what Terraform does for them: their policies, as planned, against its calls."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from tests.infrastructure import calls, changes
from tests.infrastructure.controls.found import Found

PLANS = ("read", "plan")
"""The building blocks of whoever only plans (modules/security/people.tf)."""


def lacking(things: Sequence[Found]) -> list[str]:
    """Name each call that an environment's plan makes and whoever plans may not, and the same of an apply and CI."""
    found = []
    for environment in sorted({thing.module.split(":")[0] for thing in things if ":module." in thing.module}):
        here = [thing for thing in things if thing.module.split(":")[0] == environment]
        made = sorted({thing.kind for thing in here})
        planning, applying = list(_statements(here, PLANS)), list(_statements(here))
        boundary, ci = _policies(here, "boundary", "people"), _policies(here, "ci")
        for what, kinds, table, given, banned in (
            ("plan", made, calls.REFRESHED, planning, boundary + ci),
            ("plan", list(calls.LOOKED_UP), calls.LOOKED_UP, planning, boundary + ci),
            # Who may do what is what CI's own bans keep it from changing.
            ("apply", made, changes.CHANGED, applying, boundary),
        ):
            wanted = [(kind, call) for kind in kinds for call in table.get(kind, "").split()]
            found += [
                f"{environment}: {kind}: {what}: {call}"
                for kind, call in wanted
                if not may(given, call) or not within(boundary, call) or forbidden(banned, call)
            ]
    return found


def within(boundary: Sequence[Mapping[str, Any]], call: str) -> bool:
    """Whether the boundary, where there is one, leaves room for the call."""
    return not boundary or may([one for one in boundary if one["Effect"] == "Allow"], call.partition("@")[0])


def forbidden(statements: Sequence[Mapping[str, Any]], call: str) -> bool:
    """Whether one of the statements forbids the call whatever it is about."""
    bans = [one for one in statements if one["Effect"] == "Deny" and one.get("Resource") == "*" and "Action" in one]
    return may([one for one in bans if "Condition" not in one], call.partition("@")[0])


def may(statements: Sequence[Mapping[str, Any]], call: str) -> bool:
    """Whether one of the statements allows the call."""
    action, _, text = call.partition("@")
    return any(
        fnmatchcase(action.lower(), str(pattern).lower())
        for statement in statements
        if (statement["Resource"] == "*" if text == "*" else text in json.dumps(statement))
        for pattern in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
    )


def _policies(things: Sequence[Found], name: str, key: str | None = None) -> list[Mapping[str, Any]]:
    kinds = ("aws_iam_policy", "aws_iam_role_policy")
    those = [thing for thing in things if thing.kind in kinds and thing.name == name and key in (None, thing.key)]
    return [one for thing in those for one in json.loads(str(thing.values["policy"]))["Statement"]]


def _statements(things: Sequence[Found], blocks: Sequence[str] | None = None) -> Iterator[Mapping[str, Any]]:
    for thing in things:
        if thing.kind == "aws_iam_policy" and thing.name == "block" and (blocks is None or thing.key in blocks):
            yield from json.loads(str(thing.values["policy"]))["Statement"]
