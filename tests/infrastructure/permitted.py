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
        for what, kinds, table, statements in (
            ("plan", made, calls.REFRESHED, planning),
            ("plan", list(calls.LOOKED_UP), calls.LOOKED_UP, planning),
            ("apply", made, changes.CHANGED, applying),
        ):
            wanted = [(kind, call) for kind in kinds for call in table.get(kind, "").split()]
            found += [f"{environment}: {kind}: {what}: {call}" for kind, call in wanted if not may(statements, call)]
    return found


def may(statements: Sequence[Mapping[str, Any]], call: str) -> bool:
    """Whether one of the statements allows the call."""
    action, _, text = call.partition("@")
    return any(
        fnmatchcase(action.lower(), str(pattern).lower())
        for statement in statements
        if (statement["Resource"] == "*" if text == "*" else text in json.dumps(statement))
        for pattern in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
    )


def _statements(things: Sequence[Found], blocks: Sequence[str] | None = None) -> Iterator[Mapping[str, Any]]:
    for thing in things:
        if thing.kind == "aws_iam_policy" and thing.name == "block" and (blocks is None or thing.key in blocks):
            yield from json.loads(str(thing.values["policy"]))["Statement"]
