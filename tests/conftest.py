"""A world of fakes for whoever asks, and the words of `nox -s chaos`."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from deployer.ports import World
from tests.fakes import Fakes, Heard


def pytest_addoption(parser: pytest.Parser) -> None:
    """What `nox -s chaos --` takes besides pytest's own words; it runs two folders of tests."""
    parser.addoption("--seed", type=int, default=1, help="what the scenarios vary, comes again with the same seed")
    parser.addoption("--rate", type=float, default=200, help="requests a second; fewer where others work, too")
    parser.addoption("--again", action="store_true", help="also what has passed already on this commit")


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
