"""Check sessions in environments of their own: the Gates port, through this repository's noxfile."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from deployer.errors import DeployError, GateFailed
from deployer.tools import process

_KEEP = 30
_HERE = ("127.0.0.1", "localhost", ".localhost", "::1")
_SECRET = re.compile(r"^AWS_|TOKEN|SECRET|PASSW|CREDENTIAL|PRIVATE_KEY|API_?KEY|BASIC_AUTH", re.IGNORECASE)
_OURS = re.compile(
    r"^(NOX|PYTEST|SMOKE_|TF_VAR_)|^(VIRTUAL_ENV|PYTHONPATH|PYTHONHOME|COVERAGE_PROCESS_START|GATES_PASSED|COMMITS_PASSED)$"
    # Set inside git's hooks: they would point git at another repository than the tree's.
    r"|^GIT_(DIR|WORK_TREE|INDEX_FILE|PREFIX|COMMON_DIR|OBJECT_DIRECTORY)$"
)
_STARTED = re.compile(r"nox > Running session (\S+)$")
_ENDED = re.compile(r"nox > Session (\S+?)(?:\(.*\))? (was successful|failed|skipped|aborted)\b(.*)")
_NOISE = re.compile(
    r"nox > (?!Command )|^\s*$|^Successfully installed|^Collecting |^Requirement already|^[.sxFE]+ +\[ *\d+%\]$"
)


def clean_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return `environ` without credentials, and without what would tie a session to the environment it starts from.

    A check of the code needs no key to anything: what it does not have it cannot leak or use by mistake.
    """
    kept = {name: value for name, value in environ.items() if not _SECRET.search(name) and not _OURS.search(name)}
    # uv, which makes the sessions' environments, is installed beside us, and nobody has to have activated that.
    path = os.pathsep.join((str(Path(sys.executable).parent), environ.get("PATH", os.defpath)))
    return kept | _past_proxies(environ) | {"PATH": path, "NO_COLOR": "1", "PYTHONUNBUFFERED": "1"}


def _past_proxies(environ: Mapping[str, str]) -> dict[str, str]:
    """Where there is a proxy, keep from it what is on this machine: the local cloud, and servers that tests start.

    Programs read one spelling or the other (curl's manual, "ENVIRONMENT"), so both say the same.
    """
    if not any(name.lower().endswith("_proxy") and name.lower() != "no_proxy" for name in environ):
        return {}
    spared = ",".join(filter(None, (environ.get("no_proxy"), environ.get("NO_PROXY"), *_HERE)))
    return {"no_proxy": spared, "NO_PROXY": spared}


class NoxGates:
    """Runs sessions of `root/noxfile.py` with the interpreter that runs us.

    `environ` is what sessions inherit once it is cleaned; `extra` is added afterwards, as it is. `envdir` is where
    their environments are kept, `root/.nox` by default.
    """

    def __init__(
        self,
        root: Path,
        *,
        environ: Mapping[str, str] | None = None,
        extra: Mapping[str, str] | None = None,
        envdir: Path | None = None,
    ) -> None:
        self._root = root.absolute()
        self._env = clean_environment(os.environ if environ is None else environ) | dict(extra or {})
        self._envdir = ["--envdir", str(envdir.absolute())] if envdir else []

    def run(
        self,
        sessions: Sequence[str],
        log: Path,
        say: Callable[[str], None],
        *,
        arguments: Sequence[str] = (),
        timeout_s: float | None = None,
        extra: Mapping[str, str] = MappingProxyType({}),
        passed: Callable[[str], None] = lambda _: None,
    ) -> str:
        """Run `sessions`, `arguments` handed on to each; return `lint passed 1.2 s, unit passed 9.0 s`.

        `extra` joins their environment; `passed` is told each session that did, also when another failed. A skipped
        session was not run, and is told so. Raises GateFailed with the last meaningful lines of what failed.
        """
        listener = _Sessions(say)
        with tempfile.TemporaryDirectory(prefix="nox-") as folder:
            report = Path(folder, "report.json")
            argv = [sys.executable, "-m", "nox", "-f", str(self._root / "noxfile.py"), *self._envdir]
            argv += ["--report", str(report), "-s", *sessions]
            finished = process.run(
                [*argv, "--", *arguments] if arguments else argv,
                cwd=self._root,
                env=self._env | dict(extra),
                log=log,
                on_line=listener.hear,
                timeout_s=timeout_s,
                # As at a terminal: pytest then takes down what its fixtures have started.
                stop_signal=signal.SIGINT,
                grace_s=30,
            )
            results = _results(report)
        for name, result in results.items():
            if result == "success":
                passed(name)
        if not finished.ok:
            raise _failure(sessions, results, listener, finished)
        missing = [name for name in sessions if name not in results]
        if missing:
            raise GateFailed(f"run {', '.join(sessions)}", f"nox did not run {', '.join(missing)}", log=log)
        return ", ".join(listener.told(name, result) for name, result in results.items())


class _Sessions:
    """Follows nox's output: which session runs, since when, and what it said last."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.last: dict[str, deque[str]] = {}
        self._say = say
        self._seconds: dict[str, float] = {}
        self._name = ""
        self._since = time.monotonic()

    def hear(self, line: str) -> None:
        """Take one line as nox printed it."""
        if started := _STARTED.match(line):
            self._name, self._since = started[1], time.monotonic()
        elif ended := _ENDED.match(line):
            self._seconds[ended[1]] = time.monotonic() - self._since
            self._say(self.told(ended[1], {"was successful": "success"}.get(ended[2], ended[2])))
            self._name = ""
        elif not _NOISE.search(line):
            self.last.setdefault(self._name, deque(maxlen=_KEEP)).append(line.rstrip())

    def told(self, name: str, result: str) -> str:
        """Return a session's end in words."""
        word = {"success": "passed", "skipped": "NOT RUN"}.get(result, result)
        seconds = self._seconds.get(name)
        return f"{name} {word}" + (f" {seconds:.1f} s" if seconds is not None else "")


def _results(report: Path) -> dict[str, str]:
    try:
        sessions = json.loads(report.read_text(encoding="utf-8"))["sessions"]
        return {str(session["name"]): str(session["result"]) for session in sessions}
    except (OSError, ValueError, KeyError, TypeError):
        return {}  # nox ended before it could write it


def _failure(
    sessions: Sequence[str], results: Mapping[str, str], listener: _Sessions, finished: process.Finished
) -> DeployError:
    failed = [name for name, result in results.items() if result not in ("success", "skipped")]
    attempted = f"run {', '.join(failed or sessions)}"
    details = tuple(line for name in failed for line in listener.last.get(name, ())) or finished.tail[-_KEEP:]
    if finished.timed_out:
        seen = f"not done after {finished.duration_s:.0f} s, ended"
    elif failed:
        seen = f"{', '.join(failed)} failed" + (f" ({len(results)} sessions run)" if len(results) > 1 else "")
    else:
        seen = f"nox ended with exit code {finished.returncode} before its report"
    hint = f"again, alone: inv test --only={(failed or list(sessions))[0]}"
    return GateFailed(attempted, seen, hint, details=details, log=finished.log)
