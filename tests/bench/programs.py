"""Runs the programs that are measured: whole processes, timed from outside, their output kept in a file each."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

STOP_S = 60
"""How long a program that is interrupted may take to put things back."""

SAID_S = 2
"""What takes longer is worth a line while one waits."""


class NotMeasured(Exception):
    """Why a measure has no figure. Told in its line of the table; the benchmark then ends with a non-zero code."""


@dataclass(frozen=True, slots=True)
class Ran:
    """One run of a program: seconds from its start to its end, and what it printed."""

    seconds: float
    code: int
    stdout: str
    log: Path

    @property
    def json(self) -> Any:
        """Stdout as JSON. Raises NotMeasured when it is none."""
        try:
            return json.loads(self.stdout)
        except ValueError:
            raise NotMeasured(f"its answer is no JSON, see {self.log}") from None


@dataclass(frozen=True, slots=True)
class Programs:
    """Runs programs in `cwd` with `env`; stderr of each goes to a numbered file under `logs`.

    `say` is told what each long one took.
    """

    cwd: Path
    env: Mapping[str, str]
    logs: Path
    say: Callable[[str], None] = lambda _: None
    _count: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def with_env(self, env: Mapping[str, str]) -> Programs:
        """The same place with another environment; both count their logs together."""
        return replace(self, env=env)

    def run(self, name: str, argv: Sequence[str], *, timeout_s: float, codes: tuple[int, ...] = (0,)) -> Ran:
        """Run `argv` to its end. Raises NotMeasured for another exit code than `codes`, and after `timeout_s`."""
        self.logs.mkdir(parents=True, exist_ok=True)
        log = self.logs / f"{next(self._count):03d}-{name}.log"
        with log.open("w", encoding="utf-8") as stderr:
            begun = time.monotonic()
            # A group of its own: what it started ends with it when the benchmark is cut off.
            process = subprocess.Popen(
                argv,
                cwd=self.cwd,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
                start_new_session=True,
            )
            try:
                stdout, _ = process.communicate(timeout=timeout_s)
            except subprocess.TimeoutExpired:
                _stop(process)
                raise NotMeasured(f"{name} was not done after {timeout_s:.0f} s, see {log}") from None
            except BaseException:
                _stop(process)
                raise
            seconds = time.monotonic() - begun
            stderr.write(f"\n--- stdout, exit code {process.returncode}, {seconds:.2f} s\n{stdout}")
        if seconds >= SAID_S:
            self.say(f"{name}: {seconds:.1f} s")
        if process.returncode not in codes:
            raise NotMeasured(f"{name} ended with exit code {process.returncode}, see {log}")
        return Ran(seconds, process.returncode, stdout, log)


def _stop(process: subprocess.Popen[str]) -> None:
    """End it as at a terminal, then for good."""
    for number, patience_s in ((signal.SIGINT, STOP_S), (signal.SIGKILL, STOP_S)):
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            return
        try:
            process.communicate(timeout=patience_s)
        except subprocess.TimeoutExpired:
            continue
        return
