"""Child processes: the one place that adapters start programs from.

    finished = process.run(["git", "status"], cwd=root, env=os.environ, log=logs / "git.log", install="install git")
    if not finished.ok:
        raise GateFailed("ask git", "it said no", details=finished.tail, log=finished.log)

`run` blocks until the program ends, so it suits a stage's thread. Every line the program prints goes to the log file and
to `on_line` at once; the last `keep` lines come back in `Finished.tail` for the error message. A program is an argv,
never a shell line; its stdin is empty, so it cannot prompt.

A child must not outlive us. It leads a process group of its own, so that a terminal's Ctrl-C reaches us alone and we
decide how it ends: `stop_signal` to the group, `grace_s` to finish, then SIGTERM and SIGKILL. This happens on a timeout,
on KeyboardInterrupt or any other exception in the thread that runs it, and when another thread calls `stop_all`. Should
we be killed with `kill -9`, Linux sends the child `stop_signal` (PR_SET_PDEATHSIG). That is set through util-linux's
`setpriv`, which then becomes the program: setting it between fork and exec in Python is unsafe with threads. Where
there is no `setpriv` (macOS), a child may then outlive us; so may a grandchild anywhere.
"""

from __future__ import annotations

import os
import re
import selectors
import shutil
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from deployer.errors import InputError, Interrupted, Unreachable
from deployer.model import Secret

_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_POLL_S = 0.2
_DRAIN_S = 1.0
_TERM_S = 2.0


@dataclass(frozen=True, slots=True)
class Finished:
    """How a program ended. `output` is its stdout, when `run` was asked to `capture` it.

    `tail` holds its last lines, secrets and colors removed. `returncode` is negative when a signal ended it.
    """

    argv: tuple[str, ...]
    returncode: int
    tail: tuple[str, ...]
    duration_s: float
    timed_out: bool = False
    output: str = ""
    log: Path | None = None

    @property
    def ok(self) -> bool:
        """Whether it ended by itself and said 0."""
        return self.returncode == 0 and not self.timed_out


class _Child:
    """A running program and what we want of it; shared with the thread that calls `stop_all`."""

    def __init__(self, process: subprocess.Popen[bytes], stop_signal: signal.Signals, grace_s: float) -> None:
        self.process = process
        self.stop_signal = stop_signal
        self.grace_s = grace_s
        self.stop = threading.Event()

    def end(self) -> None:
        """Ask, wait, insist. Returns when the whole group is gone."""
        for number, patience_s in ((self.stop_signal, self.grace_s), (signal.SIGTERM, _TERM_S)):
            self._signal(number)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(patience_s)
                break
        self._signal(signal.SIGKILL)
        self.process.wait()

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, number)


_running: set[_Child] = set()
_running_lock = threading.Lock()


def stop_all() -> int:
    """Ask every program that runs now to end; the `run` that waits for it raises Interrupted. Returns how many.

    For the runner on Ctrl-C or SIGTERM. Returns at once; a stage between two programs is not reached, so call it again
    until all stages have returned. Programs started afterwards run undisturbed: putting back may need them.
    """
    with _running_lock:
        children = tuple(_running)
    for child in children:
        child.stop.set()
    return len(children)


def run(
    argv: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    log: Path | None = None,
    timeout_s: float | None = None,
    on_line: Callable[[str], None] | None = None,
    render: Callable[[str], str | None] | None = None,
    capture: bool = False,
    keep: int = 40,
    secrets: Sequence[Secret] = (),
    install: str = "",
    stop_signal: signal.Signals = signal.SIGTERM,
    grace_s: float = 10.0,
) -> Finished:
    """Run a program to its end and say how it ended; a non-zero exit is the caller's to judge.

    `env` is the whole environment (PATH included). `log` is appended to. `on_line` gets each line as printed; `render`
    turns it into the line that is logged and kept (None drops it). With `capture` stdout goes to `Finished.output` only,
    unlogged and uncut, and just stderr is treated as lines. `secrets` never reach log, tail or `on_line`.
    Raises Unreachable when the program is not there (`install` says how to get it), InputError when it cannot be
    started, Interrupted when `stop_all` ended it.
    """
    command = _located(argv, env, cwd, install)
    hide = _hider(secrets)
    tail: deque[str] = deque(maxlen=keep)
    captured: list[bytes] = []
    started = time.monotonic()
    with _log_file(log) as file, _started(command, cwd, env, capture, stop_signal, grace_s) as child:
        file.write(f"$ {hide(' '.join(argv))}\n")

        def line_seen(raw: str) -> None:
            text = hide(raw)
            if on_line:
                on_line(text)
            shown = render(text) if render else text
            if shown is not None:
                file.write(shown + "\n")
                file.flush()
                tail.extend(_ANSI.sub("", shown).rstrip().splitlines())

        timed_out = _pump(child, line_seen, captured, started + timeout_s if timeout_s else None)
        if child.stop.is_set():
            raise Interrupted(f"run {Path(argv[0]).name}", "it was asked to stop", log=log)
        duration_s = time.monotonic() - started
        file.write(f"# exit {child.process.returncode}{' (timed out)' if timed_out else ''} after {duration_s:.1f} s\n")
    output = b"".join(captured).decode(errors="replace")
    return Finished(tuple(argv), child.process.returncode, tuple(tail), duration_s, timed_out, output, log)


def _located(argv: Sequence[str], env: Mapping[str, str], cwd: Path, install: str) -> list[str]:
    program = argv[0]
    path = shutil.which(program, path=env.get("PATH", os.defpath)) if os.sep not in program else str(cwd / program)
    if path is None or not os.access(path, os.X_OK):
        raise Unreachable(f"run {program}", "there is no such program", install or f"install {program}")
    return [path, *argv[1:]]


@contextmanager
def _started(
    command: Sequence[str], cwd: Path, env: Mapping[str, str], capture: bool, stop_signal: signal.Signals, grace_s: float
) -> Iterator[_Child]:
    setpriv = shutil.which("setpriv")
    leash = [setpriv, "--pdeathsig", stop_signal.name.removeprefix("SIG"), "--"] if setpriv else []
    try:
        process = subprocess.Popen(
            [*leash, *command],
            cwd=cwd,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE if capture else subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        raise InputError(f"run {Path(command[0]).name} in {cwd}", error.strerror or str(error)) from error
    child = _Child(process, stop_signal, grace_s)
    with _running_lock:
        _running.add(child)
    try:
        yield child
    except BaseException:
        child.end()
        raise
    finally:
        with _running_lock:
            _running.discard(child)
        for stream in (process.stdout, process.stderr):
            if stream:
                stream.close()


def _pump(child: _Child, line_seen: Callable[[str], None], captured: list[bytes], deadline: float | None) -> bool:
    """Move what the program prints until it ends, is told to, or the deadline passes (True)."""
    process = child.process
    assert process.stdout
    ended_at: float | None = None
    lines = _Lines(line_seen)
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ, captured.append if process.stderr else lines.feed)
        if process.stderr:
            selector.register(process.stderr, selectors.EVENT_READ, lines.feed)
        while selector.get_map():
            for key, _ in selector.select(_POLL_S):
                chunk = os.read(key.fd, 65536)
                if chunk:
                    key.data(chunk)
                else:
                    selector.unregister(key.fileobj)
            if child.stop.is_set() or (deadline and time.monotonic() > deadline):
                child.end()
                break
            # A daemon left behind by the program may hold the pipe open for ever: do not wait for it.
            if process.poll() is not None:
                ended_at = ended_at or time.monotonic()
                if time.monotonic() - ended_at > _DRAIN_S:
                    break
    lines.close()
    while process.poll() is None and not child.stop.wait(_POLL_S) and not (deadline and time.monotonic() > deadline):
        pass
    timed_out = process.poll() is None or bool(deadline and time.monotonic() > deadline and process.returncode)
    child.end() if process.poll() is None else None
    return timed_out and not child.stop.is_set()


class _Lines:
    """Chunks of bytes in, whole lines of text out."""

    def __init__(self, seen: Callable[[str], None]) -> None:
        self._seen = seen
        self._rest = b""

    def feed(self, chunk: bytes) -> None:
        *whole, self._rest = (self._rest + chunk).split(b"\n")
        for line in whole:
            self._seen(line.decode(errors="replace").rstrip("\r"))

    def close(self) -> None:
        if self._rest:
            self.feed(b"\n")


def _hider(secrets: Sequence[Secret]) -> Callable[[str], str]:
    values = sorted({secret.reveal() for secret in secrets} - {""}, key=len, reverse=True)

    def hide(text: str) -> str:
        for value in values:
            text = text.replace(value, "***")
        return text

    return hide


@contextmanager
def _log_file(log: Path | None) -> Iterator[IO[str]]:
    if log:
        log.parent.mkdir(parents=True, exist_ok=True)
    with Path(log or os.devnull).open("a", encoding="utf-8") as file:
        yield file
