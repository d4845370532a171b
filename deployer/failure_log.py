"""The file behind a failure that no log of its own has: what was asked for, what was seen, and where it came from.

The screen gets one message. What AWS, the Docker Engine or a file said underneath, and from which line of ours it
rose, is here for whoever has to find out why.
"""

from __future__ import annotations

import os
import sys
import traceback
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from deployer.errors import DeployError

FOLDER = Path(__file__).resolve().parent.parent / ".cache" / "logs" / "failures"
KEPT = 50


def write(error: DeployError, run: Path | None = None) -> Path | None:
    """Write it down and return the file; None where nothing can be written.

    It goes into the folder of the `run` if there is one, else into FOLDER, where the oldest make room.
    Values of flags are left out: SQL for `inv db.console` and commands for `inv shell` are nobody's business.
    """
    now = datetime.now(UTC)
    path = run / "failure.log" if run else FOLDER / f"{now:%Y%m%dT%H%M%S}-{os.getpid()}.log"
    task, *more = sys.argv[1:] or [""]
    words = [task, *(word.partition("=")[0] for word in more if word.startswith("-"))]
    lines = [f"{now:%Y-%m-%dT%H:%M:%SZ} inv {' '.join(words)}", f"{error.attempted}: {error.seen}", error.hint]
    told = [*lines, *error.details, "", *traceback.format_exception(error)]
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(told), encoding="utf-8", errors="replace")
        for old in sorted(FOLDER.glob("*.log"))[:-KEPT] if run is None else ():
            old.unlink(missing_ok=True)
        return path
    return None
