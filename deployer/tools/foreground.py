"""A program that has the user's terminal for itself (a shell, psql): it reads, prints and is interrupted by Ctrl-C."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence

from deployer.errors import Unreachable

_LEASH = ("setpriv", "--pdeathsig", "TERM", "--") if shutil.which("setpriv") else ()
"""Makes Linux end the program when we are killed (util-linux); macOS has nothing like it."""


def find(program: str, env: Mapping[str, str], attempted: str, install: str) -> str:
    """The path of `program`. Raises Unreachable when it is not in PATH; `install` says how to get it."""
    path = shutil.which(program, path=env.get("PATH", os.defpath))
    if path is None:
        raise Unreachable(attempted, f"there is no program {program}", install)
    return path


def run(argv: Sequence[str], env: Mapping[str, str]) -> int:
    """Run `argv` to its end and return its exit code, 128 and the signal when one ended it. `env` is all it gets."""
    # Ctrl-C at the terminal reaches the whole process group: it is the program's to answer, not ours. A handler that
    # does nothing, unlike one that ignores, is not inherited.
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        with subprocess.Popen([*_LEASH, *argv], env=dict(env)) as child:
            code = child.wait()
    finally:
        signal.signal(signal.SIGINT, before)
    return code if code >= 0 else 128 - code
