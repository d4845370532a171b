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
    """What Python has at a terminal, whoever started the tests: under nohup SIGHUP would be ignored from the start."""
    usual = {
        signal.SIGINT: signal.default_int_handler,
        signal.SIGTERM: signal.SIG_DFL,
        signal.SIGHUP: signal.SIG_DFL,
    }
    before = {number: signal.signal(number, handler) for number, handler in usual.items()}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def heard() -> Heard:
    """A listener that remembers."""
    return Heard()
