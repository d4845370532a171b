"""What the verdict of a check session depends on, as one hash: files, interpreter, programs, environment, history.

A session depends on the whole tree but for what `[tool.gates]` of the tree's own pyproject.toml takes out by name, so a
folder that nobody thought of counts. Package versions count as the hash-locked files that they are installed from.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import shutil
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from deployer.tools.git import Git
from deployer.tools.tree import fingerprint, listed

_FORMAT = 1  # what is hashed, and how: a change here makes every pass recorded before worthless
_PROGRAMS = ("bash", "git", "setpriv", "sh")
"""What the sessions run that no lock file names."""
_VARIABLES = re.compile(
    r"^(PYTHON|MYPY|RUFF_|BANDIT|GITLEAKS_|HADOLINT_|SHELLCHECK_|GIT_|LC_|XDG_|DOCKER_|TF_|UV_PYTHON)"
    r"|^(LANG|LANGUAGE|TZ|HOME|TMPDIR|CI|TERM|COLUMNS|FORCE_COLOR|SOURCE_DATE_EPOCH)$|^(https?|no|all)_proxy$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Check:
    """A session, or a part of one, that passes as a whole.

    `without` are files, and folders with a slash at the end, that it does not read. What reads commits too has
    `judges`: the files that decide what is found in a commit.
    """

    name: str
    without: tuple[str, ...] = ()
    judges: tuple[str, ...] = ()

    def reads(self, path: str) -> bool:
        """Whether this file of the tree is an input."""
        return not any(path == left or (left.endswith("/") and path.startswith(left)) for left in self.without)


def checks(tree: Path, session: str) -> tuple[Check, ...]:
    """Return the parts of `session`; when the tree names none, the session as one part that reads everything."""
    try:
        table = tomllib.loads((tree / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["gates"]
        without, commits = dict(table["without"]), dict(table.get("commits", {}))
        found = tuple(
            Check(name, tuple(map(str, without[name])), tuple(map(str, commits.get(name, ()))))
            for name in without
            if name == session or name.startswith(f"{session}.")
        )
    except (OSError, ValueError, KeyError, TypeError):
        found = ()  # none, or damaged: the sessions themselves will say so
    return found or (Check(session),)


@dataclass(frozen=True, slots=True)
class Inputs:
    """All that checks may depend on, at one moment. `files` are fingerprints by path, `commits` the tips of history."""

    files: Mapping[str, str]
    surroundings: tuple[str, ...]
    commits: tuple[str, ...] = ()
    cut_off_at: tuple[str, ...] = field(default=())

    def key(self, check: Check) -> str:
        """Return the hash of what `check` depends on: 64 hex digits."""
        files = {path: mark for path, mark in self.files.items() if check.reads(path)}
        return self._hash(check, files, self.commits if check.judges else ())

    def judges(self, check: Check) -> str:
        """Return the hash of what decides about a commit; a clone that is cut off elsewhere has seen other commits."""
        return self._hash(check, {path: self.files.get(path, "") for path in check.judges}, ())

    def _hash(self, check: Check, files: Mapping[str, str], commits: tuple[str, ...]) -> str:
        whole = [_FORMAT, check.name, sorted(files.items()), self.surroundings, commits]
        whole += [self.cut_off_at] if check.judges else []
        return hashlib.sha256(json.dumps(whole).encode()).hexdigest()


def read(tree: Path, environ: Mapping[str, str], *, history: bool) -> Inputs | None:
    """Look at `tree` now; None when a file cannot be read. Raises InputError when git cannot list the files."""
    try:
        files = {str(path): fingerprint(tree / path) for path in listed(tree, ".", environ)}
        around = surroundings(environ)
    except OSError:
        return None  # deleted this very moment, or closed to us: then nothing is known, and nothing is cached
    if not history:
        return Inputs(files, around)
    git = Git(tree, environ)
    return Inputs(files, around, git.tips(), git.cut_off_at())


def surroundings(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return interpreter, machine, nox, programs and the variables that sessions or their tools look at."""
    from importlib import metadata  # slow to load, and most commands check nothing

    found = [sys.version, os.path.realpath(sys.executable), platform.system(), platform.machine()]
    found += [f"nox {metadata.version('nox')}", f"root {os.geteuid() == 0}"]
    for name in _PROGRAMS:
        place = shutil.which(name, path=environ.get("PATH", os.defpath))
        found.append(f"{name} {fingerprint(Path(place).resolve()) if place else 'missing'}")
    found += sorted(f"{name}={value}" for name, value in environ.items() if _VARIABLES.search(name))
    return tuple(found)
