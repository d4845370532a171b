"""Whether the process that holds a lease is gone: only ever said when it is known."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from deployer.aws import lease_place

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
PROGRAM = "from deployer.aws import lease_place; print(lease_place.of_this_process(), flush=True); input()"


def test_a_process_is_there_until_it_is_killed_and_even_before_it_is_reaped() -> None:
    """`kill -9` of a deployer whose parent has not looked yet counts as its end."""
    other = subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path.cwd()
    )
    assert other.stdout is not None
    place = other.stdout.readline().strip()
    before = lease_place.is_gone(place)
    other.kill()
    os.waitid(os.P_PID, other.pid, os.WEXITED | os.WNOWAIT)
    as_zombie = lease_place.is_gone(place)
    other.communicate()

    assert (False, True, True) == (before, as_zombie, lease_place.is_gone(place))


def test_this_process_is_there() -> None:
    """Two runs in one process do not take each other's lease."""
    assert not lease_place.is_gone(lease_place.of_this_process())


def test_a_number_that_was_given_again_is_another_process() -> None:
    """The start time tells them apart."""
    home, _, started = lease_place.of_this_process().rpartition("/")

    assert lease_place.is_gone(f"{home}/{int(started) - 1}")


@pytest.mark.parametrize("place", ["", "garbage", "other-boot/pid:[1]/1/1", "a/b/c/d/e"])
def test_nothing_is_known_of_other_machines(place: str) -> None:
    """Then the expiry decides."""
    assert not lease_place.is_gone(place)


def test_without_proc_nothing_is_known(tmp_path: Path) -> None:
    """MacOS: neither named nor judged."""
    here = lease_place.of_this_process()

    assert ("", False) == (lease_place.of_this_process(tmp_path), lease_place.is_gone(here, tmp_path))
