"""The checkout that is measured: a clone of HEAD under .cache/bench, with a home and a local cloud of its own.

A cold start needs images that nobody has built, on an engine that other checkouts use too and whose images and build
cache are not ours to remove. So the clone gets a base image of its own (another time stamp, hence another digest) and
apt caches of its own: no image and no cached build step fits, and nothing of anybody else is touched. What was built
from it is removed at the end.
"""

from __future__ import annotations

import re
import secrets
import shutil
import subprocess
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from tests.bench import images, surroundings
from tests.bench.programs import NotMeasured, Programs, Ran

DEPLOY_S = 900
"""The most that one command may take."""
CHANGED = "docker/backend/app/__init__.py"
LINE = re.compile(r'^BENCHMARKED = "\w*"$', re.MULTILINE)
REFRESHED = re.compile(r"^refreshed = \d{4}-\d\d-\d\d$", re.MULTILINE)
CACHE_MOUNT = re.compile(r"--mount=type=cache,(?:id=[^,\s]+,)?target=([^,\s]+)")
ANY_CODE = tuple(range(256))


@dataclass(slots=True)
class Checkout:
    """The clone at `folder`/checkout of the repository at `root`. Logs of all that runs go to `logs`.

    `base` is the commit that is measured: HEAD of `root` at the beginning.
    """

    root: Path
    folder: Path
    logs: Path
    say: Callable[[str], None]
    base: str = field(init=False)
    env: dict[str, str] = field(init=False)
    programs: Programs = field(init=False)

    def __post_init__(self) -> None:
        self.base = _git(self.root, "rev-parse", "HEAD")
        # Ports that clouds which choose for themselves come to last: a cold run takes minutes from choosing to binding.
        ports = {"LOCALCLOUD_PORT_OFFSET": str(port_offset(self.path))}
        self.env = {**surroundings.of_user(self.folder / "home"), **ports}
        self.programs = Programs(self.path, self.env, self.logs, self.say)

    @property
    def path(self) -> Path:
        """The clone itself."""
        return self.folder / "checkout"

    def inv(self, name: str, *words: str, codes: tuple[int, ...] = (0,)) -> Ran:
        """Run `./scripts/inv WORDS` in the clone, as a developer would."""
        return self.programs.run(name, ["./scripts/inv", *words], timeout_s=DEPLOY_S, codes=codes)

    def deploy(self, name: str) -> Ran:
        """`inv deploy --env=dev`, which has to end well."""
        ran = self.inv(name, "deploy", "--env=dev", "--json")
        if ran.json["outcome"] != "good":
            raise NotMeasured(f"the deployment ended {ran.json['outcome']}: {ran.json['reason']}")
        return ran

    def status(self) -> dict[str, Any]:
        """`inv status`; {} when there is nothing to ask."""
        ran = self.inv("status", "status", "--env=dev", "--json", codes=ANY_CODE)
        return dict(ran.json) if ran.code == 0 else {}

    def commit_line(self) -> str:
        """Change one line of the backend and commit it; return the commit."""
        file = self.path / CHANGED
        changed, found = LINE.subn(f'BENCHMARKED = "{secrets.token_hex(4)}"', file.read_text(encoding="utf-8"))
        if not found:
            raise NotMeasured(f"{CHANGED} of the clone has no line to change")
        file.write_text(changed, encoding="utf-8")
        return self._commit("Change one line of the backend")

    def begin(self, *, cold: bool) -> None:
        """Clone anew, with nothing running and, when `cold`, nothing built or downloaded."""
        self.end(keep=False)
        for place in (self.path, self.folder / "home"):
            shutil.rmtree(place, ignore_errors=True)
        (self.folder / "home").mkdir(parents=True)
        subprocess.run(["git", "clone", "-q", "--local", str(self.root), str(self.path)], check=True)
        with (self.path / CHANGED).open("a", encoding="utf-8") as file:
            file.write('\nBENCHMARKED = ""\n')
        (self.folder / "cold").unlink(missing_ok=True)
        if cold:
            (self.folder / "cold").write_text(self._build_from_nothing(), encoding="utf-8")
        self._commit(f"What the benchmark starts from, {'cold' if cold else 'warm'}")
        (self.folder / "measured").write_text(self.base, encoding="utf-8")

    def present(self) -> None:
        """Make sure that the clone is one of HEAD."""
        if not self.path.is_dir() or self._first() != self.base:
            self.begin(cold=False)

    def ready(self) -> dict[str, Any]:
        """Make sure that HEAD of the clone was deployed by us and is healthy; return its status. Not timed."""
        self.present()
        status = self.status()
        if status.get("commit") != _git(self.path, "rev-parse", "HEAD") or not status["healthy"] or not self.is_ours():
            self.deploy("setup")
            status = self.status()
        if not status.get("healthy"):
            raise NotMeasured(f"the environment is not well: {status.get('doubts', 'it cannot be asked')}")
        return status

    def is_ours(self) -> bool:
        """Whether what serves is in the ledger: the plain script's releases are not."""
        serving = self.status().get("release")
        return serving in {release["release"] for release in self.history()}

    def history(self) -> list[dict[str, Any]]:
        """`inv history`, newest first."""
        return list(self.inv("history", "history", "--env=dev", "--json").json)

    def cloud(self) -> dict[str, Any]:
        """`inv cloud.status`."""
        return dict(self.inv("cloud", "cloud.status", "--json").json)

    def end(self, *, keep: bool) -> None:
        """Remove the clone's cloud and its images, but not the clone: its environments are worth keeping."""
        if keep or not (self.path / ".venv").is_dir():
            return
        self.inv("cloud-down", "cloud.down", codes=ANY_CODE)
        commits = _git(self.path, "rev-list", f"{self._first() or self.base}..HEAD").split()
        dated = self.folder / "cold"
        images.remove(self.path, self.env, commits, dated.read_text(encoding="utf-8") if dated.is_file() else "")

    def _first(self) -> str:
        noted = self.folder / "measured"
        return noted.read_text(encoding="utf-8") if noted.is_file() else ""

    def _build_from_nothing(self) -> str:
        """Make every image of the clone one that no engine has, nor any step of its build; return its base's date."""
        mine = secrets.token_hex(4)
        another = date(1990, 1, 1) + timedelta(days=secrets.randbelow(10_000))
        sources = self.path / "docker" / "base" / "images.toml"
        text, found = REFRESHED.subn(f"refreshed = {another}", sources.read_text(encoding="utf-8"))
        if found != 1:
            raise NotMeasured("docker/base/images.toml has no date that would make another base image")
        sources.write_text(text, encoding="utf-8")
        for file in self.path.glob("docker/*/Dockerfile"):
            text = CACHE_MOUNT.sub(lambda m: _mount(mine, m[1]), file.read_text(encoding="utf-8"))
            file.write_text(text, encoding="utf-8")
        return another.isoformat()

    def _commit(self, message: str) -> str:
        who = ("-c", "user.name=benchmark", "-c", "user.email=benchmark@example.invalid")
        _git(self.path, *who, "commit", "-qam", message)
        return _git(self.path, "rev-parse", "HEAD")


def port_offset(place: Path) -> int:
    """How far up the ports of the local cloud of the clone at `place` are: a multiple of ten, as all clouds' are."""
    return 2000 + 10 * (zlib.crc32(str(place).encode()) % 1000)


def _mount(mine: str, target: str) -> str:
    return f"--mount=type=cache,id={mine}{target.replace('/', '-')},target={target}"


def _git(folder: Path, *words: str) -> str:
    return subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True, text=True).stdout.strip()
