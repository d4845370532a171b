"""`.ci/run`: README's test command, its exit code, and nothing left running."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.setup_machine import DOCKERD, Machine


@pytest.fixture
def machine() -> Iterator[Machine]:
    """A machine whose Docker Engine is installed and not running."""
    with tempfile.TemporaryDirectory(prefix="inv-") as folder:
        made = Machine(Path(folder))
        made.standin("dockerd", DOCKERD)
        yield made
        made.stop_engine()


@pytest.mark.parametrize("code", [0, 1, 10, 30])
def test_exit_code_is_that_of_the_tests(machine: Machine, code: int) -> None:
    done = machine.finish(machine.run(".ci/run", TEST_EXIT=str(code)))

    assert code == done.returncode
    assert f"exit code {code}" in done.stdout


def test_it_runs_the_tests(machine: Machine) -> None:
    """By the command of the README (tests/layout)."""
    done = machine.finish(machine.run(".ci/run"))

    assert "<test>" in done.stdout.splitlines()


def test_local_cloud_is_removed_even_after_a_failure(machine: Machine) -> None:
    done = machine.finish(machine.run(".ci/run", TEST_EXIT="1"))

    assert "<cloud.down>" in done.stderr.splitlines()


def test_daemon_that_it_had_to_start_is_stopped(machine: Machine) -> None:
    done = machine.finish(machine.run(".ci/run"))

    assert len(machine.called("dockerd")) == 1
    assert not Path("/proc", machine.pid_file.read_text()).exists()
    assert "stopping the Docker daemon" in done.stderr


def test_daemon_that_ran_before_is_left_alone(machine: Machine) -> None:
    machine.inv("deploy")

    machine.finish(machine.run(".ci/run"))

    assert Path("/proc", machine.pid_file.read_text()).exists()
