"""What a program printed: bytes in; whole lines, without secrets, to a log file, a listener and a short memory."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Sequence
from typing import IO

from deployer.model import Secret

_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def without_colors(text: str) -> str:
    """Return `text` without what tells a terminal to change colors."""
    return _ANSI.sub("", text)


def hider(secrets: Sequence[Secret]) -> Callable[[str], str]:
    """Return a function that replaces the values of `secrets` with `***`."""
    values = sorted({secret.reveal() for secret in secrets} - {""}, key=len, reverse=True)

    def hide(text: str) -> str:
        for value in values:
            text = text.replace(value, "***")
        return text

    return hide


class Transcript:
    """Splits a stream into lines; logs them, hands them on, and keeps the last `keep` without colors in `tail`.

    `on_line` gets the line as printed; `render` turns it into what is logged and kept (None drops it).
    """

    def __init__(
        self,
        file: IO[str],
        hide: Callable[[str], str],
        *,
        on_line: Callable[[str], None] | None,
        render: Callable[[str], str | None] | None,
        keep: int,
    ) -> None:
        self.tail: deque[str] = deque(maxlen=keep)
        self._file = file
        self._hide = hide
        self._on_line = on_line
        self._render = render
        self._rest = b""

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes; a line counts once it is whole."""
        *whole, self._rest = (self._rest + chunk).split(b"\n")
        for line in whole:
            self._line(self._hide(line.decode(errors="replace").rstrip("\r")))

    def close(self) -> None:
        """Take what is left as the last line."""
        if self._rest:
            self.feed(b"\n")

    def _line(self, text: str) -> None:
        if self._on_line:
            self._on_line(text)
        shown = self._render(text) if self._render else text
        if shown is not None:
            self._file.write(shown + "\n")
            self._file.flush()
            self.tail.extend(_ANSI.sub("", shown).rstrip().splitlines())
