"""A plan's changes in words for people: how many, which ones, and what would be lost. Pure.

The marks are Terraform's own, but for `±`, which it writes `-/+`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from deployer.model import FORCES, Change, Plan

_WORDS = {
    "create": ("+", "to create"),
    "update": ("~", "to update"),
    "replace": ("±", "to replace"),
    "delete": ("-", "to destroy"),
}
"""By action, harmless ones first: what ends stands at the bottom, where a screen stops."""
_OUTPUT = "output."
_MANY = 15
"""More creations than this are told by module: the first plan of an environment has over a hundred."""
LOSS = "DATA LOSS"
_NAMED = 8
"""Attributes of one change that are named; `plan --json` has all of them."""


def counted(changes: Sequence[Change]) -> str:
    """`3 to create, 1 to destroy`, as Terraform counts: outputs apart; `nothing to change`."""
    resources, outputs = _apart(changes)
    told = [
        f"{number} {words}"
        for action, (_, words) in _WORDS.items()
        if (number := sum(change.action == action for change in resources))
    ]
    told += [f"{len(outputs)} output{'s' * (len(outputs) > 1)} to change"] if outputs else []
    return ", ".join(told) or "nothing to change"


def brief(changes: Sequence[Change]) -> tuple[str, ...]:
    """A few lines on the way: what loses data first, many creations by module."""
    resources, outputs = _apart(changes)
    created = [change for change in resources if change.action == "create"]
    by_module = created if len(created) > _MANY else []
    told = [_line(change) for change in resources if change not in by_module]
    modules = Counter(_module(change.address) for change in by_module)
    told += [f"+ {module}: {number} to create" for module, number in sorted(modules.items())]
    return (counted(changes), *told, *(_line(change) for change in outputs))


def grouped(plan: Plan) -> Iterator[tuple[str, bool]]:
    """Every change, by action and address, counts last; each line with whether it tells of a loss."""
    resources, outputs = _apart(plan.changes)
    for action, (_, words) in _WORDS.items():
        of_action = [change for change in resources if change.action == action]
        if of_action:
            yield f"{len(of_action)} {words}", False
        for change in sorted(of_action, key=lambda change: change.address):
            yield f"  {_line(change)}", change.loses_data
    if outputs:
        yield f"{len(outputs)} output{'s' * (len(outputs) > 1)} to change", False
    for change in outputs:
        yield f"  {_line(change)}", False
    yield counted(plan.changes), False
    if plan.losses:
        yield f"{LOSS}: {len(plan.losses)} of them held data, which would be gone", True


def _apart(changes: Sequence[Change]) -> tuple[list[Change], list[Change]]:
    resources = [change for change in changes if not change.address.startswith(_OUTPUT)]
    outputs = [change for change in changes if change.address.startswith(_OUTPUT)]
    return sorted(resources, key=lambda change: (not change.loses_data, change.address)), outputs


def _line(change: Change) -> str:
    sign = _WORDS[change.action][0]
    named = f": {_named(change.attributes)}" if change.attributes else ""
    note = f" ({change.note})" if change.note else ""
    return f"{sign} {change.address}{named}{note}{f'  ! {LOSS}' if change.loses_data else ''}"


def _named(attributes: Sequence[str]) -> str:
    """What fits on a line, what forces a replacement first."""
    first = sorted(attributes, key=lambda name: not name.endswith(FORCES))
    shown = first[:_NAMED]
    return ", ".join(shown) + (f" and {len(first) - len(shown)} more" if len(first) > len(shown) else "")


def _module(address: str) -> str:
    parts = address.split(".")
    return ".".join(parts[:2]) if parts[0] == "module" else "root module"
