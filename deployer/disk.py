"""Files that cannot be written: the machine's fault, not ours, so told as one message and never as a traceback.

Logs, caches, saved plans, reports: any write anywhere may hit a full or read-only disk. So it is not each writer that
knows, but whoever catches what it did not foresee: the runner around its stages, and `tasks.run` around a command.
"""

from __future__ import annotations

import errno

from deployer.errors import Unreachable

_HINTS = {
    errno.ENOSPC: "free some space (`docker system df` and `du -sh .cache` show what is big), then repeat the command",
    errno.EDQUOT: "your quota is used up: remove some files, then repeat the command",
    errno.EROFS: "make it writable, or work in a checkout on another disk",
    errno.EACCES: "it may belong to another user: `ls -l` shows whose it is",
    errno.EPERM: "it may belong to another user: `ls -l` shows whose it is",
    errno.EMFILE: "raise the limit of open files (`ulimit -n`), then repeat the command",
    errno.ENFILE: "too many files are open on this machine: end some programs, then repeat the command",
}


def told(error: BaseException) -> BaseException:
    """Return Unreachable (exit code 30) for what the file system refused, and any other exception as it is."""
    if not isinstance(error, OSError) or error.errno not in _HINTS:
        return error
    where = f" {error.filename}" if error.filename else " a file"
    fault = Unreachable(f"use{where}", (error.strerror or str(error)).lower(), _HINTS[error.errno])
    fault.__cause__ = error
    return fault
