"""A world of fakes for whoever asks."""

from __future__ import annotations

import signal
from collections.abc import Iterator
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
def signal_defaults() -> Iterator[None]:
    """What a program finds at a terminal, whoever started the tests: under nohup SIGHUP would be ignored from the start."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, signal.SIG_DFL) for number in numbers}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def heard() -> Heard:
    """A listener that remembers."""
    return Heard()
