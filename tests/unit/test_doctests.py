"""Examples in docstrings are true."""

from __future__ import annotations

import doctest
import importlib

import pytest

from tests.examples import ROOT

MODULES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for folder in ("deployer", "localcloud/extension", "tests/bench")
    for path in (ROOT / folder).rglob("*.py")
    if ">>> " in path.read_text(encoding="utf-8")
)


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of(name: str) -> None:
    """Each module that shows any."""
    failed, attempted = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)

    assert (0, True) == (failed, attempted > 0)


def test_there_are_examples() -> None:
    """The search above finds those that are known to be there."""
    assert {"deployer.screen", "deployer.model", "tests.bench.figures"} <= set(MODULES)
