"""Child processes: the one place that adapters start programs from.

    finished = process.run(["git", "status"], cwd=root, env=os.environ, log=logs / "git.log", install="install git")
    if not finished.ok:
        raise GateFailed("ask git", "it said no", details=finished.tail, log=finished.log)

`run` blocks until the program ends, so it suits a stage's thread. Every line the program prints goes to the log file
and to `on_line` at once; the last `keep` lines come back in `Finished.tail` for the error message. A program is an
argv, never a shell line; its stdin is empty, so it cannot prompt.

A child must not outlive us. It leads a process group of its own, so that a terminal's Ctrl-C reaches us alone and we
decide how it ends: `stop_signal` to the group, `grace_s` to finish, then SIGTERM and SIGKILL. So it goes on a timeout,
on KeyboardInterrupt or any other exception in the thread that runs it, and when another thread calls `stop_all`.
Should we be killed with `kill -9`, a process of ours that stays behind does the same to every group (`tools.guard`).
"""

from __future__ import annotations

import math
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, TypeVar

from deployer.errors import InputError, Interrupted, Unreachable
from deployer.model import Secret
from deployer.tools.child import Child, discard
from deployer.tools.guard import Guard
from deployer.tools.transcript import Transcript, hider, without_colors

Item = TypeVar("Item")
Answer = TypeVar("Answer")
Streams = tuple[int | None, int | None]
_TOGETHER: Streams = (subprocess.PIPE, subprocess.STDOUT)
_APART: Streams = (subprocess.PIPE, subprocess.PIPE)
_REMIND_S = 0.2


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


_guard = Guard()
_running: set[Child] = set()
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
    turns it into the line that is logged and kept (None drops it). With `capture` stdout goes to `Finished.output`
    alone, unlogged and uncut, and only stderr is treated as lines. `secrets` never reach log, tail or `on_line`.
    Raises Unreachable when the program is not there (`install` says how to get it), InputError when it cannot be
    started, Interrupted when `stop_all` ended it.
    """
    command = _located(argv, env, cwd, install)
    hide = hider(secrets)
    captured: list[bytes] = []
    started = time.monotonic()
    with _log_file(log) as file:
        transcript = Transcript(file, hide, on_line=on_line, render=render, keep=keep)
        file.write(f"$ {hide(' '.join(argv))}\n")
        file.flush()
        streams = _APART if capture else _TOGETHER
        with _started(command, cwd=cwd, env=env, streams=streams, stop_signal=stop_signal, grace_s=grace_s) as child:
            deadline = started + timeout_s if timeout_s else math.inf
            timed_out = child.pump(captured.append if capture else transcript.feed, transcript.feed, deadline)
        transcript.close()
        duration_s = time.monotonic() - started
        code = child.process.returncode
        file.write(f"# exit {code}{' (timed out)' if timed_out else ''} after {duration_s:.1f} s\n")
    if child.stop.is_set():
        raise Interrupted(f"run {Path(argv[0]).name}", "it was asked to stop", log=log)
    output = b"".join(captured).decode(errors="replace")
    return Finished(tuple(argv), code, tuple(transcript.tail), duration_s, timed_out, output, log)


def foreground(
    argv: Sequence[str], *, cwd: Path, env: Mapping[str, str], log: Path, stop_signal: signal.Signals, grace_s: float
) -> int:
    """Run a program whose output is the answer, to our own stdout and stderr and to `log`; return its exit code.

    The log begins anew and has no colors. It ends as any other child does. A second Ctrl-C does not wait for its grace
    time.
    """
    command = _located(argv, env, cwd, "")
    log.unlink(missing_ok=True)
    with (
        _log_file(log) as file,
        _started(command, cwd=cwd, env=env, streams=_APART, stop_signal=stop_signal, grace_s=grace_s) as child,
    ):
        transcript = Transcript(file, hider(()), on_line=None, render=without_colors, keep=1)
        out, err = (partial(_tee, transcript, descriptor) for descriptor in (1, 2))
        try:
            child.pump(out, err)
        except BaseException:
            # What it says while it puts things back is still for whoever waits.
            child.stop.set()
            with _killed_if_interrupted(child):
                child.pump(out, err)
            raise
        finally:
            transcript.close()
    return child.process.returncode


def _tee(transcript: Transcript, descriptor: int, chunk: bytes) -> None:
    transcript.feed(chunk)
    with suppress(OSError):  # nobody reads our output any more; the program goes on
        os.write(descriptor, chunk)


@contextmanager
def _killed_if_interrupted(child: Child) -> Iterator[None]:
    try:
        yield
    except BaseException:
        child.signal(signal.SIGKILL)
        raise


def together(function: Callable[[Item], Answer], items: Sequence[Item], workers: int) -> list[Answer]:
    """Map `function`, which runs programs, over `items` in threads; the first exception, Ctrl-C too, ends them all."""
    with ThreadPoolExecutor(workers) as pool:
        futures = [pool.submit(function, item) for item in items]
        try:
            return [future.result() for future in futures]
        except BaseException:
            for future in futures:
                future.cancel()
            while wait(futures, timeout=_REMIND_S).not_done:
                stop_all()
            raise


def _located(argv: Sequence[str], env: Mapping[str, str], cwd: Path, install: str) -> list[str]:
    program = argv[0]
    path = shutil.which(program, path=env.get("PATH", os.defpath)) if os.sep not in program else str(cwd / program)
    if path is None or not os.access(path, os.X_OK):
        raise Unreachable(f"run {program}", "there is no such program", install or f"install {program}")
    return [path, *argv[1:]]


@contextmanager
def _started(
    command: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    streams: Streams,
    stop_signal: signal.Signals,
    grace_s: float,
) -> Iterator[Child]:
    _guard.ready()
    try:
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=streams[0],
            stderr=streams[1],
            start_new_session=True,
        )
    except OSError as error:
        raise InputError(f"run {Path(command[0]).name} in {cwd}", error.strerror or str(error)) from error
    child = Child(process, stop_signal, grace_s)
    try:
        pipes = [stream.fileno() for stream in (process.stdout, process.stderr) if stream]
        _guard.watch(process.pid, stop_signal, grace_s, pipes)
        with _running_lock:
            _running.add(child)
        yield child
    except BaseException:
        child.stop.set()
        child.pump(discard, discard)
        raise
    finally:
        if child.stop.is_set() or process.poll() is None:
            child.signal(signal.SIGKILL)  # what is left of the group
            process.wait()
        _guard.forget(process.pid)
        with _running_lock:
            _running.discard(child)
        for stream in (process.stdout, process.stderr):
            if stream:
                stream.close()


@contextmanager
def _log_file(log: Path | None) -> Iterator[IO[str]]:
    if log:
        log.parent.mkdir(parents=True, exist_ok=True)
    with Path(log or os.devnull).open("a", encoding="utf-8") as file:
        yield file
