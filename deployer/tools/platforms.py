"""Platforms that images can be built for, and whether this machine can build them: it must run their programs.

Fargate knows two architectures; one task definition names one of them and one image, so each platform's image is built,
named and hash-checked by itself. They share no tag.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from deployer.errors import InputError, Unreachable
from deployer.tools import process
from deployer.tools.docker_cli import DockerCli

ARCHITECTURES: Mapping[str, str] = {"linux/amd64": "amd64", "linux/arm64": "arm64"}
"""By platform, as Docker names it; the values are the engine's own word (`docker version`, Arch)."""
_EMULATORS = {"amd64": "qemu-x86_64", "arm64": "qemu-aarch64"}
BINFMT = Path("/proc/sys/fs/binfmt_misc")
"""Where Linux says which programs it hands to an emulator (kernel docs, admin-guide/binfmt-misc)."""


def parse(text: str) -> tuple[str, ...]:
    """Read `linux/amd64,linux/arm64`; nothing is the engine's own. Raises InputError for what is no known platform."""
    wanted = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    for platform in wanted:
        if platform not in ARCHITECTURES:
            known = " and ".join(ARCHITECTURES)
            raise InputError("choose the platforms", f"{platform!r} is not one that Fargate runs", f"there are {known}")
    if text and not wanted:
        raise InputError("choose the platforms", f"{text!r} names none", f"there are {' and '.join(ARCHITECTURES)}")
    return wanted


def require(
    platform: str, native: str, cli: DockerCli, environ: Mapping[str, str], cwd: Path, binfmt: Path = BINFMT
) -> None:
    """Raise Unreachable when programs of `platform` do not run here. `native` is the engine's architecture."""
    architecture = ARCHITECTURES[platform]
    if architecture == native or platform in _listed(cli, environ, cwd):
        return
    emulator = _EMULATORS[architecture]
    try:
        enabled = (binfmt / emulator).read_text(encoding="utf-8").startswith("enabled")
    except OSError:
        enabled = False
    if not enabled:
        raise Unreachable(
            f"build for {platform}",
            f"the Docker Engine runs {native} and nothing runs {architecture} programs for it",
            f"on Debian or Ubuntu: apt-get install qemu-user-static binfmt-support; or use an {architecture} machine",
        )


def _listed(cli: DockerCli, environ: Mapping[str, str], cwd: Path) -> frozenset[str]:
    """What buildx says the engine runs, natively or by an emulator; nothing without buildx."""
    if cli.buildx is None:
        return frozenset()
    answer = process.run(
        [cli.program, "buildx", "inspect", "default"], cwd=cwd, env=environ, capture=True, timeout_s=20
    )
    found = re.search(r"^Platforms:\s*(.+)$", answer.output, re.MULTILINE)
    return frozenset(part.strip().rstrip("*") for part in found[1].split(",")) if found else frozenset()
