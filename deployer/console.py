"""The only module that prints. stdout is for data, stderr for people.

On a terminal a live table follows the stages; elsewhere every event is a line, and a heartbeat says every ten seconds
what is still being waited for. Colour only on a terminal, never with NO_COLOR.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TextIO

from deployer.errors import DeployError, Interrupted
from deployer.screen import columns, fitted, shown, table

if TYPE_CHECKING:
    from rich.console import RenderableType

    from deployer.model import StageResult

HEARTBEAT_S = 10.0
_RED, _OFF = "\x1b[1;31m", "\x1b[0m"
_STYLES = {"ok": "green", "cached": "cyan", "skipped": "dim", "failed": "bold red", "undone": "yellow"}
"""By `model.Status`, which is not imported: `inv --list` needs none of it."""


def data(value: object) -> None:
    """Print one JSON value on stdout."""
    answer(json.dumps(value, indent=2, default=str))


def record(value: object) -> None:
    """Print one JSON value on one line of stdout, for answers that go on and on."""
    answer(json.dumps(value, default=str))


def line(text: str = "") -> None:
    """Print one line for people on stderr. Never raises: a terminal that went away must not stop a release half way."""
    with suppress(OSError):
        print(text, file=sys.stderr, flush=True)


def answer(text: str, *, alarm: bool = False) -> None:
    """Print one line that was asked for on stdout (a table, a URL); ends like any program when nobody reads on.

    An `alarm` is red where there is color; its words have to say so too.
    """
    try:
        print(f"{_RED}{text}{_OFF}" if alarm and colored(sys.stdout) else text, flush=True)
    except BrokenPipeError:
        # What Python would still flush at exit goes nowhere (docs.python.org, signal: "Note on SIGPIPE").
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(128 + signal.SIGPIPE) from None


def paragraph(text: str) -> None:
    """Print, on stdout and indented, what belongs to the line before."""
    for part in fitted(f"    {text}", columns(sys.stdout), 4):
        answer(part)


def colored(stream: TextIO | None = None) -> bool:
    """Whether `stream` (stderr, if not given) is a terminal that may show colour."""
    return (stream or sys.stderr).isatty() and not os.environ.get("NO_COLOR")


def for_children() -> dict[str, str]:
    """What tells a program behind a pipe of ours how wide our screen is, and that it may show color on it."""
    width = columns(sys.stderr)
    told = {"COLUMNS": str(width)} if width else {}
    return {**told, "FORCE_COLOR": "1"} if colored() else told


def is_terminal() -> bool:
    """Whether a person sits at both ends: what is typed, and what is answered."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def failure(error: DeployError) -> None:
    """Say once what was attempted, what was seen, and what to do next. An interruption is one line."""
    red, off = (_RED, _OFF) if colored() else ("", "")
    if isinstance(error, Interrupted):
        what = error.hint or f"{error.attempted}: {error.seen}"
        line(f"{red}interrupted:{off} {what}{f'; log: {error.log}' if error.log else ''}")
        return
    width = columns(sys.stderr)
    told = fitted(f"error: {error.attempted}: {error.seen}", width, 7)
    told[0] = told[0].replace("error:", f"{red}error:{off}", 1)
    for detail in error.details:
        told += fitted(f"    {detail}", width, 6)
    if error.hint:
        told += fitted(f"  next: {error.hint}", width, 8)
    for text in told:
        line(text)
    if error.log:
        line(f"   log: {shown(error.log)}")


def bug() -> None:
    """The traceback of an exception that nobody foresaw."""
    traceback.print_exc()
    line("This is a bug of the deployer. Please report it with the lines above.")


class PlainEvents:
    """One line an event, and a heartbeat."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._begun = time.monotonic()
        self._last = self._begun
        self._running: dict[str, str] = {}
        self._over = threading.Event()

    def started(self, stage: str) -> None:
        """A stage began."""
        with self._lock:
            self._running[stage] = ""
        self._print(stage, "started")

    def said(self, stage: str, text: str) -> None:
        """A stage reported progress."""
        with self._lock:
            if stage in self._running:
                self._running[stage] = text
        self._print(stage, text)

    def ended(self, result: StageResult) -> None:
        """A stage ended, or was undone."""
        with self._lock:
            self._running.pop(result.name, None)
        self._print(
            result.name, f"{result.status} in {result.duration_s:.1f} s{f': {result.note}' if result.note else ''}"
        )

    def _print(self, stage: str, text: str) -> None:
        with self._lock:
            self._last = time.monotonic()
            for told in fitted(f"{self._last - self._begun:6.1f}s {stage:<10} {text}", columns(sys.stderr), 19):
                line(told)

    @contextmanager
    def showing(self) -> Iterator[None]:
        """Beat while the run lasts."""
        thread = threading.Thread(target=self._beat, daemon=True, name="heartbeat")
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            thread.join()

    def _beat(self) -> None:
        while not self._over.wait(1.0):
            now = time.monotonic()
            if now - self._last >= HEARTBEAT_S and self._running:
                with self._lock:
                    waiting = "; ".join(f"{name} {said}".strip() for name, said in self._running.items())
                self._print("…", f"still at {waiting}")


class LiveEvents:
    """A table that follows the stages on a terminal."""

    def __init__(self, stages: Sequence[str]) -> None:
        self._rows: dict[str, tuple[str, float | None, str]] = dict.fromkeys(stages, ("", None, ""))
        self._begun: dict[str, float] = {}

    def started(self, stage: str) -> None:
        """A stage began."""
        self._begun[stage] = time.monotonic()
        self._rows[stage] = ("running", None, "")

    def said(self, stage: str, text: str) -> None:
        """A stage reported progress."""
        status, took, _ = self._rows.get(stage, ("", None, ""))
        self._rows[stage] = (status or "undoing", took, text)

    def ended(self, result: StageResult) -> None:
        """A stage ended, or was undone."""
        self._rows[result.name] = (str(result.status), result.duration_s, result.note)

    def __rich__(self) -> RenderableType:
        from rich.table import Table
        from rich.text import Text

        grid = Table(box=None, pad_edge=False, expand=True)
        grid.add_column("stage", width=11, no_wrap=True)
        grid.add_column("status", width=8, no_wrap=True)
        grid.add_column("s", width=6, justify="right", no_wrap=True)
        grid.add_column("", ratio=1, no_wrap=True, overflow="ellipsis")
        for name, (status, took, note) in self._rows.items():
            running = name in self._begun and took is None
            seconds = time.monotonic() - self._begun[name] if running else took
            style = "bold" if running else _STYLES.get(status, "dim")
            took_s = "" if seconds is None else f"{seconds:.1f}"
            # Text, not str: what programs say may look like rich's markup.
            grid.add_row(name, status or "waiting", took_s, Text(note), style=style)
        return grid

    @contextmanager
    def showing(self) -> Iterator[None]:
        """Draw while the run lasts; the last picture stays."""
        from rich.console import Console
        from rich.live import Live

        live = Live(self, console=Console(stderr=True), refresh_per_second=8)
        live.start()
        try:
            yield
        finally:
            with suppress(OSError):  # the terminal is gone
                live.stop()


def events(stages: Sequence[str]) -> PlainEvents | LiveEvents:
    """The listener that suits stderr: a live table on a colour terminal, lines elsewhere."""
    return LiveEvents(stages) if colored() and os.environ.get("TERM") != "dumb" else PlainEvents()


def results(rows: Sequence[StageResult], critical_path: Sequence[str], duration_s: float) -> None:
    """The final table of a run, for people."""
    marks = set(critical_path)
    cells = [("stage", "status", "s", "note")]
    cells += [
        (f"{row.name}{'*' if row.name in marks else ''}", str(row.status), f"{row.duration_s:.1f}", row.note[:46])
        for row in rows
    ]
    line()
    for text in table(cells):
        line(text)
    line(f"{duration_s:.1f} s in all; * is the critical path")


def mapping(rows: Mapping[str, str]) -> None:
    """Name and value, aligned, on stdout."""
    width = max(map(len, rows), default=0)
    for name, value in rows.items():
        for text in fitted(f"{name.ljust(width)}  {value}", columns(sys.stdout), width + 2):
            answer(text)
