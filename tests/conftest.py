"""A world of fakes for whoever asks."""

from __future__ import annotations

from pathlib import Path

import pytest

from deployer.ports import World
from tests.fakes import Fakes, Heard


@pytest.fixture
def fakes() -> Fakes:
    """Every port, in memory."""
    return Fakes()


@pytest.fixture
def world(fakes: Fakes, tmp_path: Path) -> World:
    """The same fakes as stages see them."""
    return fakes.world(tmp_path)


@pytest.fixture
def heard() -> Heard:
    """A listener that remembers."""
    return Heard()
