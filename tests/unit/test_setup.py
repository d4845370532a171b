"""scripts/inv: the environment it makes, and when it does not. No network; see setup_machine for what is real."""

from __future__ import annotations

import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.setup_machine import Machine


@pytest.fixture
def machine() -> Iterator[Machine]:
    """A machine with Python and Terraform, and nothing else."""
    with tempfile.TemporaryDirectory(prefix="inv-") as folder:
        yield Machine(Path(folder))


def test_first_call_installs_and_hands_the_arguments_over_unchanged(machine: Machine) -> None:
    """Spaces, quotes and non-ASCII survive, and so does a checkout in a folder that has them."""
    done = machine.inv("--list", "a b", 'é"$x')

    assert done.stdout.splitlines() == ["DOCKER_HOST=", "<--list>", "<a b>", '<é"$x>']
    assert done.returncode == 0
    assert len(machine.called("venv")) == 1
    assert "--require-hashes" in machine.called("pip")[0]
    assert "--require-hashes" in machine.called("uv")[0]


def test_second_call_installs_nothing(machine: Machine) -> None:
    machine.inv("--list")
    before = machine.calls

    done = machine.inv("--list")

    assert done.returncode == 0
    assert done.stderr == ""
    assert before == machine.calls


def test_changed_lock_file_is_installed_into_the_environment_there_is(machine: Machine) -> None:
    machine.inv("--list")
    machine.lock_changes()

    machine.inv("--list")

    assert len(machine.called("venv")) == 1
    assert len(machine.called("uv")) == 2


def test_moved_checkout_gets_a_new_environment(machine: Machine) -> None:
    """An environment's programs name the folder it was made in."""
    machine.inv("--list")
    machine.checkout = machine.checkout.rename(machine.folder / "elsewhere")

    machine.inv("--list")

    assert len(machine.called("venv")) == 2


def test_set_up_that_was_cut_off_is_repaired_from_scratch(machine: Machine) -> None:
    cut_off = machine.inv("--list", UV_FAILS="yes")
    repaired = machine.inv("--list")

    assert cut_off.returncode != 0
    assert cut_off.stdout == ""
    assert repaired.returncode == 0
    assert len(machine.called("venv")) == 2


def test_update_that_was_cut_off_is_repaired_from_scratch(machine: Machine) -> None:
    """A half-updated environment is not mistaken for a whole one."""
    machine.inv("--list")
    machine.lock_changes()
    machine.inv("--list", UV_FAILS="yes")

    repaired = machine.inv("--list")

    assert repaired.returncode == 0
    assert len(machine.called("venv")) == 2


def test_calls_at_once_set_up_once(machine: Machine) -> None:
    calls = [machine.start("--list") for _ in range(4)]

    ended = [(call.communicate(timeout=30), call.returncode)[1] for call in calls]

    assert ended == [0, 0, 0, 0]
    assert len(machine.called("venv")) == 1
    assert len(machine.called("uv")) == 1


def test_python_that_is_too_old_is_refused_by_name(machine: Machine) -> None:
    old = '#!/bin/sh\ncase $1 in --version) echo "Python 3.9.2" ;; *) exit 1 ;; esac\n'
    machine.standin("python3", old)

    done = machine.inv("--list")

    assert done.returncode == 30
    assert "Python 3.11" in done.stderr
    assert "Python 3.9.2" in done.stderr
    assert machine.calls == []


def test_newer_python_is_found_beside_an_old_one(machine: Machine) -> None:
    machine.programs.joinpath("python3").rename(machine.programs / "python3.12")
    machine.standin("python3", "#!/bin/sh\nexit 1\n")

    assert machine.inv("--list").returncode == 0


@pytest.mark.parametrize(("home", "own"), [("gone", True), ("/proc", True), ("home", False)])
def test_cache_goes_into_the_checkout_when_home_cannot_hold_it(machine: Machine, home: str, own: bool) -> None:
    machine.inv("--list", HOME=str(machine.folder / home))

    expected = f"cache={machine.checkout / '.cache' / 'uv'} " if own else "cache= "
    assert expected in machine.called("uv")[0]


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--list",),
        ("--help", "deploy"),
        ("deploy", "-h"),
        ("--complete", "--", "inv dep"),
        ("lint",),
        ("test", "--only=unit"),
        ("test", "--only", "types"),
        ("test", "--only=lint,types,unit"),
        ("scan",),
        ("test", "--only=application,scan,gates"),
    ],
)
def test_calls_without_containers_need_neither_engine_nor_terraform(
    machine: Machine, arguments: tuple[str, ...]
) -> None:
    machine.remove("terraform")

    assert machine.inv(*arguments).returncode == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ("deploy", "--env=dev"),
        ("test",),
        ("test", "--only=images"),
        ("test", "--only=unit,e2e"),
        ("test", "--only=infrastructure,contract"),
        ("test", "--only", "contract"),
        ("lint", "build"),
    ],
)
def test_every_other_call_needs_them(machine: Machine, arguments: tuple[str, ...]) -> None:
    done = machine.inv(*arguments)

    assert done.returncode == 30
    assert done.stdout == ""
    assert "no Docker Engine" in done.stderr


@pytest.mark.parametrize(("version", "code"), [("1.9.8", 30), ("1.10.3", 30), ("1.11.0", 0), ("2.0.0", 0)])
def test_terraform_must_be_new_enough(machine: Machine, version: str, code: int) -> None:
    with machine.serve(machine.socket):
        done = machine.inv("deploy", TERRAFORM_VERSION=version)

    assert code == done.returncode
    assert ("Terraform 1.11" in done.stderr) == (code == 30)


def test_missing_terraform_is_named(machine: Machine) -> None:
    machine.remove("terraform")

    done = machine.inv("deploy")

    assert done.returncode == 30
    assert "Terraform 1.11 or newer is needed and not in PATH" in done.stderr


@pytest.mark.parametrize(
    "only", [("--only=infrastructure",), ("--only=unit,infrastructure",), ("--only", "infrastructure")]
)
def test_infrastructure_needs_terraform_and_no_engine(machine: Machine, only: tuple[str, ...]) -> None:
    with_terraform = machine.inv("test", *only)
    machine.remove("terraform")
    without = machine.inv("test", *only)

    assert with_terraform.returncode == 0
    assert without.returncode == 30
    assert "Terraform 1.11 or newer is needed and not in PATH" in without.stderr


def test_terraform_is_asked_for_its_version_once(machine: Machine) -> None:
    with machine.serve(machine.socket):
        machine.inv("deploy")
        machine.inv("deploy")

    assert len(machine.called("terraform")) == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_set_up_that_is_interrupted_says_so_and_leaves_nothing_running(
    machine: Machine, number: signal.Signals
) -> None:
    """Exit code 130, one line, the installer ends with it, and the next call starts over."""
    before = signal.signal(number, signal.SIG_DFL)  # what is ignored, as under nohup, would stay so in the child
    call = machine.start("--list", UV_HANGS="yes")
    signal.signal(number, before)
    deadline = time.monotonic() + 20
    while not machine.called("pid"):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    pid = int(machine.called("pid")[0].split()[1])
    call.send_signal(number)
    _, told = call.communicate(timeout=20)
    repaired = machine.inv("--list")

    assert call.returncode == 130
    assert told.splitlines()[-1] == "inv: interrupted while setting up: the next call starts that over"
    assert not Path(f"/proc/{pid}/exe").exists()
    assert repaired.returncode == 0
    assert len(machine.called("venv")) == 2


def test_set_up_that_is_interrupted_the_moment_its_installer_starts_ends_it_too(machine: Machine) -> None:
    """Half of all tries once left the installer running: the signal came before its process id was noted."""
    for _ in range(8):
        call = machine.start("--list", UV_SIGNALS="yes")
        call.communicate(timeout=20)  # both end: the installer, too, holds the pipe

        assert call.returncode == 130
