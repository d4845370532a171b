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


def write(error: DeployError, folder: Path = FOLDER) -> Path | None:
    """Write it down and return the file; None where nothing can be written. The oldest files make room.

    Values of flags are left out: SQL for `inv db.console` and commands for `inv shell` are nobody's business.
    """
    now = datetime.now(UTC)
    path = folder / f"{now:%Y%m%dT%H%M%S}-{os.getpid()}.log"
    words = [word.partition("=")[0] for word in sys.argv[1:]]
    lines = [f"{now:%Y-%m-%dT%H:%M:%SZ} inv {' '.join(words)}", f"{error.attempted}: {error.seen}", error.hint]
    told = [*lines, *error.details, "", *traceback.format_exception(error)]
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(told), encoding="utf-8", errors="replace")
        for old in sorted(folder.glob("*.log"))[:-KEPT]:
            old.unlink(missing_ok=True)
        return path
    return None
