"""Bytes become lines, however they are cut."""

from __future__ import annotations

import io

import pytest

from deployer.model import Secret
from deployer.tools.transcript import Transcript, hider

TEXT = "grün\r\nsecond line\nhunter2-long is hidden\nlast"


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_lines_do_not_depend_on_chunks(size: int) -> None:
    """Characters, line ends and secrets that are cut in two come out whole, and hidden."""
    file = io.StringIO()
    seen: list[str] = []
    transcript = Transcript(file, hider([Secret("hunter2-long")]), on_line=seen.append, render=None, keep=10)
    data = TEXT.encode()
    for start in range(0, len(data), size):
        transcript.feed(data[start : start + size])
    transcript.close()

    assert ["grün", "second line", "*** is hidden", "last"] == seen
    assert seen == list(transcript.tail)
    assert "\n".join(seen) + "\n" == file.getvalue()


def test_longer_secret_is_hidden_first() -> None:
    """A secret that contains another leaves no rest behind; an empty one hides nothing."""
    hide = hider([Secret("abc"), Secret("abcdef"), Secret("")])

    assert "*** x ***" == hide("abcdef x abc")
