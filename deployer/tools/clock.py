"""The system's clock, whose waits end when the run is asked to stop."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from deployer.errors import Interrupted


class SystemClock:
    """Wall-clock and monotonic time; `stop` ends waits early (see `ports.Clock`)."""

    def __init__(self, stop: threading.Event | None = None) -> None:
        self._stop = stop or threading.Event()
        self._local = threading.local()

    def now(self) -> datetime:
        """Wall-clock time, UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds that never jump."""
        return time.monotonic()

    def wait(self, seconds: float) -> None:
        """Sleep `seconds`; raises Interrupted at once when asked to stop, unless this thread is shielded."""
        if self.shielded:
            time.sleep(seconds)
        elif self._stop.wait(seconds):
            raise Interrupted("wait", "asked to stop")

    @property
    def shielded(self) -> bool:
        """Whether this thread is within `shield`."""
        return bool(getattr(self._local, "shielded", 0))

    @contextmanager
    def shield(self) -> Iterator[None]:
        """Within it, waits of this thread run to their end."""
        self._local.shielded = getattr(self._local, "shielded", 0) + 1
        try:
            yield
        finally:
            self._local.shielded -= 1
