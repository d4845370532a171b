"""Git, asked about the commit that is released: which it is, who releases it, and its tree."""

from __future__ import annotations

import difflib
import getpass
import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from deployer.errors import InputError
from deployer.tools import process

_CI_ACTORS = ("GITHUB_ACTOR", "GITLAB_USER_LOGIN", "BUILD_REQUESTEDFOR")
_FOREIGN = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY")
"""Set inside hooks; they would point git at another repository than ours."""


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit. `sha` is its 40 hex digits; `committed_at` is UTC and serves as SOURCE_DATE_EPOCH."""

    sha: str
    committed_at: datetime
    subject: str


class Git:
    """The repository around `root`. Every method raises InputError when git cannot answer, Unreachable without git."""

    def __init__(self, root: Path, environ: Mapping[str, str] | None = None) -> None:
        self._root = root
        self._environ = os.environ if environ is None else environ

    def commit(self, ref: str = "HEAD") -> Commit:
        """Resolve a branch, tag or (short) SHA. A branch that only `origin` has is found as well."""
        candidates = [ref] if ref == "HEAD" else [ref, f"refs/remotes/origin/{ref}"]
        said: tuple[str, ...] = ()
        for candidate in candidates if ref and not ref.startswith("-") else ():
            found = self._try("rev-parse", "--verify", f"{candidate}^{{commit}}")
            if found.ok:
                sha, seconds, subject = self._ask("show", "-s", "--format=%H%n%ct%n%s", found.output.strip()).split(
                    "\n"
                )[:3]
                return Commit(sha, datetime.fromtimestamp(int(seconds), UTC), subject)
            said = said or found.tail
        raise self._unknown(ref, said)

    def dirty(self, paths: Sequence[str] = ()) -> tuple[str, ...]:
        """Return files (under `paths`, else anywhere) that differ from HEAD or are untracked; ignored ones left out.

        A file that git was told to overlook (`update-index --assume-unchanged` or `--skip-worktree`) may differ
        without a word of `git status`, so it counts.
        """
        status = self._ask("status", "--porcelain=v1", "-z", "--untracked-files=all", "--no-renames", "--", *paths)
        differing = [entry[3:] for entry in status.split("\0") if entry]
        listed = self._ask("ls-files", "-v", "-z", "--", *paths)
        overlooked = [entry[2:] for entry in listed.split("\0") if entry and (entry[0].islower() or entry[0] == "S")]
        return (*differing, *(name for name in overlooked if name not in differing))

    def last_change(self, paths: Sequence[str]) -> Commit | None:
        """Return the newest commit that changed anything under `paths`; None when none did, or there is none yet."""
        found = self._try("log", "-1", "--format=%H%n%ct%n%s", "--", *paths)
        if not found.ok or not found.output.strip():
            return None
        sha, seconds, subject = found.output.split("\n")[:3]
        return Commit(sha, datetime.fromtimestamp(int(seconds), UTC), subject)

    def actor(self) -> str:
        """Return who runs this: CI's word, else git's `user.name <user.email>`, else the operating system's user."""
        name, email = (self._try("config", key).output.strip() for key in ("user.name", "user.email"))
        git_user = f"{name} <{email}>" if name and email else name or email
        return self._first(_CI_ACTORS) or git_user or self._environ.get("USER") or getpass.getuser()

    def tips(self) -> tuple[str, ...]:
        """Return where HEAD, branches, tags and the stash stand, sorted: all of history is what leads there.

        Where other worktrees stand is left out: those of `--ref` come and go.
        """
        return tuple(sorted(set(self._ask("rev-list", "--no-walk", "--single-worktree", "--all", "HEAD").split())))

    def present(self, commits: Sequence[str]) -> tuple[str, ...]:
        """Return those of `commits` (40 hex digits each) that are in this repository."""
        if not commits:
            return ()
        return tuple(sorted(self._ask("rev-list", "--no-walk", "--ignore-missing", *commits).split()))

    def cut_off_at(self) -> tuple[str, ...]:
        """Return the commits at which a shallow clone's history ends; none in a whole one."""
        file = self._root / self._ask("rev-parse", "--git-path", "shallow").strip()
        return tuple(sorted(file.read_text(encoding="ascii").split())) if file.exists() else ()

    @contextmanager
    def checkout(self, ref: str, into: Path) -> Iterator[Path]:
        """Put the tree of `ref` at `into` for the duration of a `with`: a worktree, so that git works in it too.

        What an earlier run left at `into` is replaced; runs at the same time need different folders.
        """
        sha = self.commit(ref).sha
        self.forget(into)
        into.parent.mkdir(parents=True, exist_ok=True)
        self._ask("worktree", "add", "--detach", "--force", "--quiet", str(into), sha)
        try:
            yield into
        finally:
            self.forget(into)

    def forget(self, into: Path) -> None:
        """Remove the worktree at `into`, and what git remembers of it."""
        self._try("worktree", "remove", "--force", "--force", str(into))
        if into.exists():
            shutil.rmtree(into)
        self._try("worktree", "prune")

    def _first(self, names: Sequence[str]) -> str:
        return next((value for name in names if (value := self._environ.get(name))), "")

    def _try(self, *arguments: str) -> process.Finished:
        env = {name: value for name, value in self._environ.items() if name not in _FOREIGN}
        env |= {"LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"}
        finished = process.run(
            ["git", *arguments], cwd=self._root, env=env, capture=True, timeout_s=60, install="install git"
        )
        self._check_repository(finished.tail)
        return finished

    def _ask(self, *arguments: str) -> str:
        finished = self._try(*arguments)
        if not finished.ok:
            raise InputError(f"git {arguments[0]}", _last(finished.tail), details=finished.tail)
        return finished.output

    def _check_repository(self, said: Sequence[str]) -> None:
        text = "\n".join(said)
        if "dubious ownership" in text:
            hint = f"if you trust it: git config --global --add safe.directory {self._root}"
            raise InputError(f"ask git about {self._root}", "the folder belongs to another user, so git refuses", hint)
        if "not a git repository" in text:
            hint = "a release is a commit: run this inside a clone"
            raise InputError(f"ask git about {self._root}", "it is not a git repository", hint)

    def _unknown(self, ref: str, said: Sequence[str]) -> InputError:
        if ref == "HEAD":
            return InputError("find HEAD", "there is no commit yet", "commit something first: a release is a commit")
        if any("ambiguous" in line for line in said):
            return InputError(
                f"find {ref!r}", "more than one commit starts so", "give more digits", details=tuple(said)
            )
        names = self._try(
            "for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads", "refs/tags", "refs/remotes/origin"
        )
        known = sorted({name.removeprefix("origin/") for name in names.output.split()} - {"HEAD", "origin"})
        near = difflib.get_close_matches(ref, known, n=3, cutoff=0.5)
        shallow = " or fetch it: this clone is shallow" if self._shallow() else ""
        meant = f"did you mean {', '.join(near)}?" if near else "give a branch, a tag or a SHA of this repository"
        return InputError(f"find {ref!r}", "git knows no such branch, tag or commit", meant + shallow)

    def _shallow(self) -> bool:
        return self._try("rev-parse", "--is-shallow-repository").output.strip() == "true"


def _last(said: Sequence[str]) -> str:
    return re.sub(r"^(fatal|error): ", "", said[-1]) if said else "git said nothing"
