"""What needs no environment: the checks, the images, and the local cloud itself."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from deployer import console, reports
from deployer.composition import LocalSite, local_site
from deployer.errors import GateFailed
from deployer.model import DEPLOYER, SERVICES, BuiltImage
from deployer.source import log_folder
from deployer.stages import lint as lint_stage
from deployer.stages import scan as scan_stage
from deployer.tools import platforms, process
from deployer.tools.git import Git

ROOT = Path(__file__).resolve().parent.parent
APPLICATION = SERVICES
IMAGES = ("base", "localcloud", "postgres", "redis", *APPLICATION, DEPLOYER)


def _nox(sessions: tuple[str, ...]) -> int:
    """Nox in the foreground: its output is the answer. Raises GateFailed when a session fails."""
    chosen = ["--session", *sessions] if sessions else []
    # Two minutes to end in: tests that are interrupted take down the clouds that they have started.
    color = ["--forcecolor"] if console.colored() else []
    argv = [sys.executable, "-m", "nox", *color, *chosen]
    log = log_folder(ROOT, "local") / f"{'-'.join(sessions) or 'test'}.log"
    env = {**os.environ, **console.for_children()}
    code = process.foreground(argv, cwd=ROOT, env=env, log=log, stop_signal=signal.SIGINT, grace_s=120)
    if code:
        raise GateFailed(
            f"run {', '.join(sessions) or 'every test session'}",
            f"nox ended with exit code {code}",
            "the lines above say which session failed; `inv test --only=SESSION` runs it alone",
            log=log,
        )
    return 0


def test(only: str) -> int:
    """Every session, or those named in `only` (by comma)."""
    return _nox(tuple(name.strip() for name in only.split(",") if name.strip()))


def lint() -> int:
    """The sessions that the lint stage runs."""
    return _nox(lint_stage.SESSIONS)


def scan() -> int:
    """The sessions that the scan stage runs."""
    return _nox(scan_stage.SESSIONS)


def _site() -> LocalSite:
    return local_site(ROOT, log_folder(ROOT, "local"))


def images(names: tuple[str, ...], *, as_json: bool, only_for: str = "") -> int:
    """Build the named images and print name and reference of each.

    With platforms in `only_for` (by comma) each image is built for each of them, and JSON holds a mapping by platform
    in place of a reference.
    """
    wanted = platforms.parse(only_for)
    site = _site()
    for platform in wanted:
        site.require(platform)
    commit = Git(ROOT).commit()
    built: dict[str, dict[str, BuiltImage]] = {name: {} for name in names}
    for platform in wanted or ("",):
        # The base first: all others start from it, and one build of it is enough.
        site.build("base", commit.sha, commit.committed_at, console.line, platform)

        def build(name: str, platform: str = platform) -> BuiltImage:
            return site.build(name, commit.sha, commit.committed_at, console.line, platform)

        for image in process.together(build, names, 2):
            built[image.service][platform] = image
    _tell_images(built, as_json=as_json, by_platform=bool(wanted))
    return 0


def _tell_images(built: Mapping[str, Mapping[str, BuiltImage]], *, as_json: bool, by_platform: bool) -> None:
    if as_json and by_platform:
        console.data({name: {key: image.reference for key, image in each.items()} for name, each in built.items()})
    elif as_json:
        console.data({name: image.reference for name, each in built.items() for image in each.values()})
    else:
        console.mapping({
            f"{name} {key}".strip(): f"{image.reference}  {image.size_bytes / 1e6:.0f} MB"
            for name, each in built.items()
            for key, image in each.items()
        })  # fmt: skip


def cloud_up() -> int:
    """Start the local cloud; prints its endpoint."""
    site = _site()
    begun = datetime.now(UTC)
    site.platform.ready(console.line)
    console.line(f"ready after {(datetime.now(UTC) - begun).total_seconds():.1f} s")
    console.answer(site.platform.endpoint_url)
    return 0


def cloud_down() -> int:
    """Remove it; prints what was removed."""
    removed = _site().platform.down(console.line)
    for name in removed:
        console.answer(name)
    console.line(f"{len(removed)} containers, networks and volumes removed" if removed else "nothing was removed")
    return 0


def cloud_status(*, as_json: bool) -> int:
    """What runs in it."""
    answer = _site().platform.status()
    if as_json:
        console.data(answer)
    else:
        console.mapping(reports.cloud_lines(answer))
    return 0
