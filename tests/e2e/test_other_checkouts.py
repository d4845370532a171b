"""A second checkout on the same machine: it has a cloud and ports of its own, and what goes wrong in it stays in it."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from .conftest import Checkout, Served, get

OFFSET = "LOCALCLOUD_PORT_OFFSET"


@pytest.fixture(scope="module")
def other(deployed: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """A second clone of the same commit, whose local cloud is removed at the end."""
    path = tmp_path_factory.mktemp("other") / "checkout"
    subprocess.run(["git", "clone", "-q", "--local", str(deployed.path), str(path)], check=True)
    clone = Checkout(path)
    try:
        yield clone
    finally:
        clone.inv("cloud.down")


def test_two_checkouts_do_not_disturb_each_other(served: Served, other: Checkout) -> None:
    """Another name, other ports; what one removes is its own."""
    mine = served.checkout.inv("cloud.status", "--json").json
    other.inv("cloud.up")
    theirs = other.inv("cloud.status", "--json").json
    removed = other.inv("cloud.down").stdout

    assert mine["name"] != theirs["name"]
    assert set(mine["ports"].values()).isdisjoint(theirs["ports"].values())
    assert theirs["name"] in removed
    assert mine["name"] not in removed
    served.still()


def test_a_port_that_is_taken_is_named(other: Checkout) -> None:
    """Exit 30: which port, and how to find who has it; ports are not moved in silence."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        ran = other.inv("cloud.up", expect=30, env={OFFSET: str(port - 4566)})

    assert f"127.0.0.1:{port} is taken by another program" in ran.stderr
    assert f"  next: `ss -ltnp 'sport = :{port}'` names it" in ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.fixture
def full_disk(other: Checkout) -> Iterator[Path]:
    """The other clone's .cache is a file system with no room left; it takes root to mount one."""
    if os.geteuid():
        pytest.skip("a full disk is a file system of its own, which only root can mount")
    cache = other.path / ".cache"
    cache.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "full", str(cache)], check=True)
    try:
        (cache / "logs").mkdir()
        with suppress(OSError), (cache / "filler").open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))
        yield cache
    finally:
        subprocess.run(["umount", "--lazy", str(cache)], check=True)


@pytest.mark.parametrize("command", ["deploy", "plan"])
def test_a_full_disk_is_one_message(other: Checkout, full_disk: Path, command: str) -> None:
    """Exit 30, whatever was being written."""
    ran = other.inv(command, "--env=dev", expect=30, env={"CI": None})

    assert full_disk.exists()
    assert "Traceback" not in ran.stderr
    assert 1 == ran.stderr.count("error: "), ran.stderr
    assert "no space left on device" in ran.stderr
    assert "  next: free some space" in ran.stderr


def test_the_first_checkout_serves_after_all_that(served: Served) -> None:
    """And its visitors have noticed nothing."""
    served.still()
    assert 200 == get(served.url, "/").status_code
