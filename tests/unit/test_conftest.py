"""What the unit tests are said not to read they cannot."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from tests.examples import ROOT


@pytest.mark.parametrize(
    "read",
    [
        (ROOT / "README.md").read_text,
        (ROOT / "docker" / "backend" / "Dockerfile").read_bytes,
        lambda: list((ROOT / "docker").iterdir()),
        lambda: list(os.scandir(ROOT / "docs")),
    ],
    ids=["file", "file in a folder", "folder", "scan"],
)
def test_what_is_no_input_is_closed(read: Callable[[], object]) -> None:
    """Whether it is there or not."""
    with pytest.raises(AssertionError, match="unit tests read"):
        read()


def test_the_rest_is_open() -> None:
    """A folder that holds a closed one, too."""
    assert "requirements" in [place.name for place in ROOT.iterdir()]
    assert (ROOT / "pyproject.toml").read_text()
