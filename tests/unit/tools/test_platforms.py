"""Which platforms can be asked for, and which of them this machine can build."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from deployer.errors import InputError, Unreachable
from deployer.tools import platforms
from deployer.tools.docker_cli import DockerCli
from tests.unit.tools.engine import docker_cli


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ()),
        ("linux/arm64", ("linux/arm64",)),
        ("linux/amd64, linux/arm64,linux/amd64", ("linux/amd64", "linux/arm64")),
    ],
)
def test_platforms_are_read_once_each_in_order(text: str, expected: tuple[str, ...]) -> None:
    assert expected == platforms.parse(text)


@pytest.mark.parametrize("text", ["arm64", "linux/arm/v7", "windows/amd64", "linux/amd64;linux/arm64", ",", " "])
def test_what_fargate_does_not_run_is_bad_input(text: str) -> None:
    with pytest.raises(InputError, match="choose the platforms") as caught:
        platforms.parse(text)

    assert "linux/amd64 and linux/arm64" in caught.value.hint


def require(tmp_path: Path, platform: str, buildx: str = "") -> None:
    """Ask for `platform` on an amd64 engine whose host has what stands in `tmp_path`/binfmt."""
    program = docker_cli(tmp_path / "bin", tmp_path / "built", buildx=buildx)
    cli = DockerCli(str(program), (0, 13) if buildx else None)
    platforms.require(platform, "amd64", cli, os.environ, tmp_path, tmp_path / "binfmt")


def test_the_engines_own_platform_is_always_built(tmp_path: Path) -> None:
    require(tmp_path, "linux/amd64")


@pytest.mark.parametrize("buildx", ["", "0.13.1"])
def test_another_needs_an_emulator_and_says_how_to_get_one(tmp_path: Path, buildx: str) -> None:
    with pytest.raises(Unreachable, match="nothing runs arm64 programs") as caught:
        require(tmp_path, "linux/arm64", buildx)

    assert "qemu-user-static" in caught.value.hint


@pytest.mark.parametrize(("state", "works"), [("enabled", True), ("disabled", False)])
def test_emulator_of_the_kernel_counts_while_it_is_enabled(tmp_path: Path, state: str, *, works: bool) -> None:
    (tmp_path / "binfmt").mkdir()
    (tmp_path / "binfmt/qemu-aarch64").write_text(f"{state}\ninterpreter /usr/bin/qemu-aarch64-static\n")

    if works:
        require(tmp_path, "linux/arm64")
    else:
        with pytest.raises(Unreachable):
            require(tmp_path, "linux/arm64")


def test_buildx_knows_what_its_engine_runs(tmp_path: Path) -> None:
    """An engine in a virtual machine has emulators that this host knows nothing of."""
    program = tmp_path / "docker"
    program.write_text("#!/bin/sh\necho 'Platforms: linux/amd64*, linux/arm64, linux/386'\n")
    program.chmod(0o755)

    platforms.require("linux/arm64", "amd64", DockerCli(str(program), (0, 13)), os.environ, tmp_path, tmp_path / "none")
