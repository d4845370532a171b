"""IAM: what policies give away. Boundaries give nothing, and AWS's own rules leave them out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from tests.infrastructure.controls import control
from tests.infrastructure.controls.found import Found
from tests.infrastructure.controls.storage import statements

POLICIES = ("aws_iam_policy", "aws_iam_role_policy", "aws_iam_user_policy", "aws_iam_group_policy")
BOUNDARY = "boundary"
EVERYTHING, WHOLE_SERVICE = r'"\*"', r'"[a-z0-9-]+:\*"'


def giving(things: Sequence[Found], action: str) -> Iterator[str]:
    """Name the policies with a statement that allows an action like this."""
    for found in (found for found in things if found.kind in POLICIES and found.name != BOUNDARY):
        for statement in statements(found):
            actions = re.search(r"(?<!Not)Action=(\[[^\]]*\]|\"[^\"]*\")", statement)
            if 'Effect="Allow"' in statement and (not actions or re.search(action, actions[1])):
                yield found.where
                break


def without_texts_of_nobody(things: Sequence[Found]) -> Iterator[str]:
    """Say so when the policies of people are not among what is read: then nothing was checked."""
    if not any(found.kind == POLICIES[0] and found.name == "block" for found in things):
        yield "there is no policy of people"


@control("IAM.1")
def nobody_may_do_everything(things: Sequence[Found]) -> list[str]:
    """No policy allows all actions. One that names none (NotAction) is as bad."""
    return [*without_texts_of_nobody(things), *giving(things, EVERYTHING)]


@control("IAM.21")
def nobody_gets_a_whole_service(things: Sequence[Found]) -> list[str]:
    """No policy allows all of a service's actions."""
    return [*without_texts_of_nobody(things), *giving(things, WHOLE_SERVICE)]


def unbounded(things: Sequence[Found]) -> list[str]:
    """Name the roles that could be given anything later."""
    return [
        found.where for found in things if found.kind == "aws_iam_role" and not found.values.get("permissions_boundary")
    ]
