"""Check sessions that run only when something they depend on has changed: the Gates port, in front of nox.

A pass is recorded under the hash of its inputs (`gate_inputs`), so it holds in every worktree of the checkout and for
whoever comes back to the same content. Only a pass is: what failed, was skipped or not run is run again. Files are
looked at before and after; what changed in between has no verdict. What touches the cloud never comes here.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

from deployer.errors import InputError
from deployer.model import Checked
from deployer.tools import gate_inputs
from deployer.tools.gate_inputs import Check, Inputs
from deployer.tools.git import Git

_KEPT = 100  # passes of each check
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_MOST_TIPS = 500  # an argument of gitleaks names them all, and Linux allows it 128 KiB


class Runner(Protocol):
    """The part of NoxGates that is used here."""

    def run(
        self,
        sessions: Sequence[str],
        log: Path,
        say: Callable[[str], None],
        *,
        extra: Mapping[str, str],
        passed: Callable[[str], None],
    ) -> str:
        """Run sessions, `extra` in their environment; tell `passed` which did; raise GateFailed when one fails."""
        ...


@dataclass(frozen=True, slots=True)
class Pass:
    """That a check passed, and when; of one that reads commits also which ones, and who judged them."""

    at: datetime
    commits: tuple[str, ...] = ()
    judges: str = ""


class CachedGates:
    """Runs sessions of `tree` with `runner`, and remembers in the folder `store` what passed.

    `environ` is what the sessions inherit. `fresh` runs everything; what passes is recorded all the same.
    """

    def __init__(
        self,
        runner: Runner,
        tree: Path,
        store: Path,
        environ: Mapping[str, str],
        now: Callable[[], datetime],
        *,
        fresh: bool = False,
    ) -> None:
        self._runner = runner
        self._tree = tree
        self._store = store
        self._environ = environ
        self._now = now
        self._fresh = fresh

    def run(self, sessions: Sequence[str], log: Path, say: Callable[[str], None]) -> Checked:
        """Run those `sessions` that have not passed on these very inputs. Raises GateFailed."""
        parts = {session: gate_inputs.checks(self._tree, session) for session in sessions}
        every = [check for checks in parts.values() for check in checks]
        before = self._look(every)
        known = {} if self._fresh or before is None else self._known(every, before)
        due = [session for session, checks in parts.items() if any(check.name not in known for check in checks)]
        if not due:
            return Checked(f"passed {_since(known.values(), self._now())}", cached=True)
        passed: list[str] = []
        extra = {"GATES_PASSED": " ".join(check.name for s in due for check in parts[s] if check.name in known)}
        extra |= self._scanned(every, before)
        try:
            summary = self._runner.run(due, log, say, extra=extra, passed=passed.append)
        finally:
            self._remember([check for s in passed for check in parts[s] if check.name not in known], before)
        if known:
            summary += f"; {', '.join(known)} passed {_since(known.values(), self._now())}"
        return Checked(summary)

    def _look(self, checks: Sequence[Check]) -> Inputs | None:
        return gate_inputs.read(self._tree, self._environ, history=any(check.judges for check in checks))

    def _known(self, checks: Sequence[Check], inputs: Inputs) -> dict[str, Pass]:
        files = {check.name: self._file(check, inputs.key(check)) for check in checks}
        found = {name: _read(file) for name, file in files.items()}
        return {name: told for name, told in found.items() if told is not None}

    def _scanned(self, checks: Sequence[Check], inputs: Inputs | None) -> dict[str, str]:
        """Tell what reads commits which of them it may leave out: those that the same judges have passed."""
        reading = [check for check in checks if check.judges]
        if inputs is None or self._fresh or not reading:
            return {}
        (check,) = reading
        passes = [told for file in self._folder(check).glob("*.json") if (told := _read(file))]
        same = [told for told in passes if told.commits and told.judges == inputs.judges(check)]
        last = max(same, key=lambda told: told.at, default=None)
        return {"COMMITS_PASSED": " ".join(Git(self._tree, self._environ).present(last.commits))} if last else {}

    def _remember(self, checks: Sequence[Check], before: Inputs | None) -> None:
        try:
            after = self._look(checks) if checks and before is not None else None
        except InputError:
            return  # git has no answer now; what the sessions came to is to be told, whatever it was
        if before is None or after is None:
            return
        for check in checks:
            key = before.key(check)
            if key != after.key(check):
                continue
            commits = before.commits if check.judges and len(before.commits) <= _MOST_TIPS else ()
            told = {"check": check.name, "key": key, "passed_at": self._now().isoformat(), "commits": commits}
            _write(self._file(check, key), told | {"judges": before.judges(check) if check.judges else ""})
            _prune(self._folder(check))

    def _folder(self, check: Check) -> Path:
        return self._store / check.name

    def _file(self, check: Check, key: str) -> Path:
        return self._folder(check) / f"{key}.json"


def _read(file: Path) -> Pass | None:
    """Return a recorded pass; None when there is none, or not one that can be relied on."""
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
        if (told["check"], told["key"]) != (file.parent.name, file.stem):
            return None
        at = datetime.fromisoformat(told["passed_at"]).astimezone(UTC)
        commits = tuple(map(str, told["commits"]))
        return Pass(at, commits, str(told["judges"])) if all(map(_COMMIT.fullmatch, commits)) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write(file: Path, told: Mapping[str, object]) -> None:
    """All of it or nothing; a disk that takes no more costs a run of the check next time, not this deployment."""
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", dir=file.parent, prefix=f"{file.stem}.", suffix=".new", delete=False
        ) as new:
            json.dump(told, new)
        Path(new.name).replace(file)


def _prune(folder: Path) -> None:
    with suppress(OSError):
        oldest_first = sorted(folder.iterdir(), key=lambda file: file.stat().st_mtime)
        for file in oldest_first[:-_KEPT]:
            file.unlink(missing_ok=True)


def _since(passes: Iterable[Pass], now: datetime) -> str:
    """Return the time of the oldest of `passes`, and how long ago that was."""
    oldest = min(told.at for told in passes)
    return f"{oldest:%Y-%m-%d %H:%M:%SZ}, {ago(now - oldest)}"


def ago(passed: timedelta) -> str:
    """Return a span of time in its largest fitting unit.

    >>> ago(timedelta(seconds=59)), ago(timedelta(minutes=12)), ago(timedelta(hours=30)), ago(timedelta(days=3))
    ('59 s ago', '12 min ago', '30 h ago', '3 days ago')
    """
    seconds = max(0, int(passed.total_seconds()))  # a clock that was set back knows no better
    for unit, size, most in (("s", 1, 60), ("min", 60, 60), ("h", 3600, 48)):
        if seconds < size * most:
            return f"{seconds // size} {unit} ago"
    return f"{seconds // 86400} days ago"
