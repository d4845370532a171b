"""What a command starts from: the files of a commit, who asks, a folder for the logs, and whether it may go on."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from deployer import console
from deployer.errors import InputError, NotAllowed
from deployer.model import Environment, Release, release_id
from deployer.tools.git import Git

CONTEXTS = (
    *("docker", "deployer", "infrastructure", "localcloud", "requirements", "scripts", "tests"),
    *("tasks.py", "noxfile.py", "pyproject.toml", ".gitleaks.toml"),
)
"""What a release is made of and what judges it: an uncommitted change here makes it dirty."""
KEPT_LOGS = 50


@dataclass(frozen=True, slots=True)
class Source:
    """The files that are released, and the commit they are of."""

    tree: Path
    commit: str
    committed_at: datetime
    actor: str
    dirty: tuple[str, ...]


@contextmanager
def from_commit(root: Path, ref: str) -> Iterator[Source]:
    """The working tree for HEAD, or a worktree of `ref`: what is built is then exactly that commit."""
    git = Git(root)
    commit = git.commit(ref or "HEAD")
    if not ref:
        yield Source(root, commit.sha, commit.committed_at, git.actor(), git.dirty(CONTEXTS))
        return
    with git.checkout(commit.sha, root / ".cache" / "worktrees" / f"{commit.sha[:12]}-{os.getpid()}") as tree:
        yield Source(tree, commit.sha, commit.committed_at, git.actor(), ())


def log_folder(root: Path, name: str) -> Path:
    """A folder for this run's logs; the oldest runs make room."""
    runs = root / ".cache" / "logs"
    mine = runs / name
    mine.mkdir(parents=True, exist_ok=True)
    old = sorted((run for run in runs.iterdir() if run.is_dir()), key=lambda run: run.stat().st_mtime)[:-KEPT_LOGS]
    for run in old:
        shutil.rmtree(run, ignore_errors=True)
    return mine


def draft_release(environment: Environment, source: Source) -> Release:
    """A release at its beginning: who wants what, and when."""
    now = datetime.now(UTC)
    return Release(
        id=release_id(environment.short_name, now, source.commit),
        environment=environment.name,
        commit=source.commit,
        actor=source.actor,
        started_at=now,
        committed_at=source.committed_at,
        config_hash=environment.config_hash,
        dirty=bool(source.dirty),
    )


def permit(environment: Environment, source: Source, *, yes: bool) -> None:
    """Refuse what this environment does not take. Raises InputError, NotAllowed."""
    if source.dirty and environment.short_name != "dev":
        raise InputError(
            f"deploy to {environment.name}",
            f"{len(source.dirty)} uncommitted files, {source.dirty[0]} among them",
            "commit them: only dev takes what nobody else can build again",
            details=source.dirty[:10],
        )
    if environment.cloud == "aws" and not yes:
        if os.environ.get("CI") or not (sys.stdin.isatty() and sys.stderr.isatty()):
            raise NotAllowed(f"change {environment.name} on AWS", "nobody is there to confirm", "say it with --yes")
        console.line(f"This changes {environment.name} in AWS account {environment.account_id}. Go on? [y/N] ")
        if sys.stdin.readline().strip().lower() not in ("y", "yes"):
            raise NotAllowed(f"change {environment.name} on AWS", "not confirmed")
