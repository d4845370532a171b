"""`terraform show -json` of a plan -> what somebody changed around Terraform. Pure.

Format: https://developer.hashicorp.com/terraform/internals/json-format. `resource_drift` holds every difference between
the state and the cloud, also what AWS counts up by itself, what other resources of ours did to this one, and what
`ignore_changes` leaves to the deployer (weights, counts, task definitions). Drift that matters is what the same plan
would put back: so the configuration stays the one owner of what is ignored. What it does not mention at all, such as a
rule that somebody added to a security group, is in no plan.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from deployer.model import Difference, Drift
from deployer.tools import plan_summary

_HIDDEN = "(sensitive)"
_UNKNOWN = "(known after apply)"
_NOTHING = "(not set)"
_LONGEST = 160
"""Characters of a value: a policy's one changed line is its own leaf, so more is rarely of use."""
_SECRET = re.compile(r"(?i)passw(or)?d|secret_(string|binary|key)|auth_token|(private|access)_key|connection_string")
"""Names whose values are hidden even where a provider forgot to mark them."""


def found(plan: Mapping[str, Any]) -> Drift:
    """Read the drift of a plan's JSON, by address and attribute."""
    planned = {_key(resource): resource["change"] for resource in plan.get("resource_changes", ())}
    drifted = [resource for resource in plan.get("resource_drift", ()) if resource.get("mode") != "data"]
    differences = [
        difference
        for resource in sorted(drifted, key=lambda one: str(one["address"]))
        for difference in _telling(_differences(resource, planned.get(_key(resource), {"actions": ["no-op"]})))
    ]
    told = {difference.address for difference in differences}
    changes = plan_summary.summarise({**plan, "output_changes": {}})
    return Drift(tuple(differences), sum(change.address not in told for change in changes))


def _key(resource: Mapping[str, Any]) -> tuple[str, str]:
    return str(resource["address"]), str(resource.get("deposed", ""))


def _telling(differences: Iterable[Difference]) -> list[Difference]:
    """Leave out what AWS counts up beside a real change: nobody set it, and what it will be only an apply can say."""
    found = list(differences)
    return [difference for difference in found if difference.wanted != _UNKNOWN] or found


def _differences(resource: Mapping[str, Any], planned: Mapping[str, Any]) -> Iterator[Difference]:
    """Compare what the state had of one resource with what the cloud has, where the plan would change it back."""
    change, address = resource["change"], str(resource["address"])
    if planned["actions"] in (["no-op"], ["read"]):
        return
    if change["actions"] == ["delete"]:
        yield Difference(address, "", "there", "there", "gone")
        return
    recorded = _side(change, "before")
    cloud = _side(change, "after")
    wanted = _side(planned, "after")
    unknown = planned.get("after_unknown") or {}
    told: set[str] = set()
    for path in sorted({*recorded, *cloud}):
        was, now = recorded.get(path, ("", _NOTHING)), cloud.get(path, ("", _NOTHING))
        to_be = wanted.get(path, ("", _UNKNOWN if _is_unknown(unknown, path) else _NOTHING))
        # With default tags every tag stands twice.
        again = path.startswith("tags_all.") and path.replace("tags_all.", "tags.", 1) in told
        if was[0] != now[0] and to_be != now and not again:
            told.add(path)
            yield Difference(address, path, was[1], to_be[1], now[1])


def _side(change: Mapping[str, Any], side: str) -> dict[str, tuple[str, str]]:
    """Return the leaves of one side by path: what to compare, and the words for it, in which nothing is secret."""
    return {path: (raw, words) for path, raw, words in _leaves("", change.get(side), change.get(f"{side}_sensitive"))}


def _leaves(path: str, value: object, hidden: object) -> Iterator[tuple[str, str, str]]:
    if value in (None, "", [], {}):
        return  # Terraform writes what is not set now as null, now as empty
    if isinstance(value, str) and hidden is not True:
        value = _document(value)
    if hidden is True or _SECRET.search(path):
        yield path, json.dumps(value, sort_keys=True), _HIDDEN
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            mask = hidden.get(name) if isinstance(hidden, Mapping) else None
            yield from _leaves(f"{path}.{name}" if path else str(name), inner, mask)
    elif isinstance(value, Sequence) and not isinstance(value, str) and not _scalars(value, hidden):
        masks = hidden if isinstance(hidden, Sequence) and not isinstance(hidden, str) else ()
        for number, inner in enumerate(value):
            yield from _leaves(f"{path}[{number}]", inner, masks[number] if number < len(masks) else None)
    else:
        raw = json.dumps(value, ensure_ascii=False, sort_keys=True)
        yield path, raw, raw if len(raw) <= _LONGEST else f"{raw[:_LONGEST]}…"


def _document(text: str) -> object:
    """Return what a policy in JSON says, so that its parts are compared; any other text as it is."""
    if text[:1] not in ("{", "["):
        return text
    try:
        return json.loads(text) or text
    except ValueError:
        return text


def _scalars(values: Sequence[object], hidden: object) -> bool:
    """Say whether a list is told as one: it holds nothing inside which something could differ or be hidden."""
    return not hidden and not any(isinstance(value, Mapping | list) for value in values)


def _is_unknown(unknown: object, path: str) -> bool:
    name = re.split(r"[.\[]", path, maxsplit=1)[0]
    return bool(unknown.get(name)) if isinstance(unknown, Mapping) else False
