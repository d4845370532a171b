"""One tree: each error has its exit code, and the picture in the docstring is true."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from deployer import errors
from deployer.errors import DeployError

CODES = {
    "DeployError": 1,
    "InputError": 2,
    "ConfigError": 2,
    "NotAllowed": 3,
    "GateFailed": 10,
    "ReleaseFailed": 20,
    "RolledBack": 20,
    "StateUncertain": 21,
    "Undecided": 21,
    "Unreachable": 30,
    "Locked": 40,
    "Interrupted": 130,
}
"""As scripts and CI depend on them."""

CLASSES = {
    name: value for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, DeployError)
}


def test_exit_codes() -> None:
    """Stable, and every class is known here."""
    assert CODES == {name: kind.exit_code for name, kind in CLASSES.items()}


def test_the_picture_is_true() -> None:
    """Each line of the tree names a class, its exit code and, by its depth, its parent."""
    parents: dict[int, str] = {}
    drawn: dict[str, tuple[int, str]] = {}
    for indent, name, code in re.findall(r"^    ([ │├└─]*)(\w+) +(\d+)  ", errors.__doc__ or "", re.MULTILINE):
        parents[len(indent)] = name
        drawn[name] = (int(code), parents.get(len(indent) - 4, "Exception"))

    assert {name: (kind.exit_code, kind.__mro__[1].__name__) for name, kind in CLASSES.items()} == drawn


@pytest.mark.parametrize("kind", CLASSES.values(), ids=CLASSES)
def test_an_error_says_what_was_attempted_and_seen(kind: type[DeployError]) -> None:
    """In one line; the hint, details and log are for the console."""
    error = kind("read ECS", "no answer", "try again", details=("a", "b"), log=Path("x.log"))

    assert "read ECS: no answer" == str(error)
    told = (error.attempted, error.seen, error.hint, error.details, error.log)
    assert ("read ECS", "no answer", "try again", ("a", "b"), Path("x.log")) == told


def test_hint_details_and_log_may_be_left_out() -> None:
    """Then there are none."""
    error = DeployError("read ECS", "no answer")

    assert ("", (), None) == (error.hint, error.details, error.log)
