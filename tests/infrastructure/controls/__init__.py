"""AWS Foundational Security Best Practices, as far as they can be read off the configuration.

A check looks at things it found and names those that break its control. It is run twice: over the configuration as it
is written, where a value may still be an expression, and over the plans of all environments on AWS, where it is not.
Source: docs.aws.amazon.com/securityhub/latest/userguide/securityhub-controls-reference.html.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from tests.infrastructure.controls.found import Found

Check = Callable[[Sequence[Found]], Iterable[str]]
CHECKS: dict[str, Check] = {}
"""Control -> what names the things that break it."""


def control(name: str) -> Callable[[Check], Check]:
    """Make the function below the check of control `name`."""

    def register(check: Check) -> Check:
        assert name not in CHECKS, f"{name} has two checks"
        CHECKS[name] = check
        return check

    return register


def each(things: Sequence[Found], kind: str, holds: Callable[[Found], bool]) -> list[str]:
    """Name the resources of `kind` for which `holds` is not true; to have none at all is wrong, too."""
    those = [found for found in things if found.kind == kind]
    return [found.where for found in those if not holds(found)] or ([] if those else [f"there is no {kind}"])
