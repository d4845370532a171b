"""Which process holds a lease, so that one which was killed on this machine need not be waited for.

A place is `<boot>/<pid namespace>/<pid>/<start time>`, from Linux's /proc (proc(5): sys/kernel/random/boot_id, ns/pid,
field 22 of stat). Only a process of this very boot and namespace can be known to be gone; anywhere else, and where
there is no /proc, nothing is known and the lease's expiry decides.
"""

from __future__ import annotations

import os
from pathlib import Path

_PROC = Path("/proc")
_ENDED = frozenset("ZX")


def of_this_process(proc: Path = _PROC) -> str:
    """Name this process; "" where it cannot be told from others."""
    try:
        return f"{_home(proc)}/{os.getpid()}/{_state_and_start(proc, os.getpid())[1]}"
    except (OSError, IndexError):
        return ""


def is_gone(place: str, proc: Path = _PROC) -> bool:
    """Whether the process at `place` is known to have ended; False when nothing is known of it."""
    home, _, rest = place.rpartition("/")
    home, _, pid = home.rpartition("/")
    try:
        if not pid.isdecimal() or home != _home(proc):
            return False
        if not (proc / pid).exists():
            return True
        state, start = _state_and_start(proc, int(pid))
    except (OSError, IndexError):
        return False  # it ends in this very moment, or nothing may be read: the next look tells
    return state in _ENDED or start != rest


def _home(proc: Path) -> str:
    boot = (proc / "sys" / "kernel" / "random" / "boot_id").read_text(encoding="ascii").strip()
    return f"{boot}/{(proc / 'self' / 'ns' / 'pid').readlink()}"


def _state_and_start(proc: Path, pid: int) -> tuple[str, str]:
    """The program's name stands in brackets and may hold anything: count behind the last one."""
    fields = (proc / str(pid) / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    return fields[0], fields[19]
