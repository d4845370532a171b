"""How lines fit on a screen: eighty columns are enough, and a file or a pipe gets them whole."""

from __future__ import annotations

import itertools
import os
import textwrap
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TextIO

LEAST = 40
"""Narrower than this and nothing would be readable any more."""


def columns(stream: TextIO) -> int | None:
    """How wide the screen behind `stream` is: what COLUMNS says, else the terminal; None when it is no screen."""
    given = os.environ.get("COLUMNS", "")
    if given.isdecimal() and int(given):
        return max(int(given), LEAST)
    with suppress(OSError, ValueError):
        if stream.isatty():
            return max(os.get_terminal_size(stream.fileno()).columns, LEAST)
    return None


def fitted(text: str, width: int | None, indent: int = 0) -> list[str]:
    """`text` in lines of at most `width`, all but the first indented. A word is never broken: it may be a path.

    >>> fitted("next: start the local cloud, then try again", 24, 6)
    ['next: start the local', '      cloud, then try', '      again']
    """
    if width is None or len(text) <= width:
        return [text]
    wrapper = textwrap.TextWrapper(
        width, subsequent_indent=" " * indent, break_long_words=False, break_on_hyphens=False, tabsize=4
    )
    return wrapper.wrap(text)


def shown(path: Path) -> str:
    """A path as one would type it here."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Columns aligned by spaces; the first row is the head.

    >>> table([("a", "b"), ("long", "x")])
    ['a     b', 'long  x']
    """
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def wrapped(rows: Sequence[Sequence[str]], width: int | None) -> list[list[str]]:
    """Columns aligned as in `table`, each row as its lines: what is too wide is broken within its column.

    The first column keeps its width, the others share what is left of the screen.

    >>> wrapped([("a", "one two"), ("b", "x")], 5)
    [['a  on', '   e', '   tw', '   o'], ['b  x']]
    """
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    if width is not None:
        share = max((width - widths[0]) // (len(widths) - 1) - 2, 2)
        widths = [widths[0], *(min(share, natural) for natural in widths[1:])]
    told = []
    for row in rows:
        cells = [textwrap.wrap(cell, size) or [""] for cell, size in zip(row, widths, strict=True)]
        lines = itertools.zip_longest(*cells, fillvalue="")
        told.append(["  ".join(c.ljust(size) for c, size in zip(line, widths, strict=True)).rstrip() for line in lines])
    return told
