"""HAProxy's request log: frames, lines, and who is blamed for what."""

from __future__ import annotations

import pytest

from localcloud.extension.access_log import Counts, Frames, Request, parse

STREAM = b"18 abc tg_1 s0 200 37" + b"18 abc tg_1 s0 502 -1"


@pytest.mark.parametrize("cut", range(len(STREAM)))
def test_a_stream_cut_anywhere_is_the_same_messages(cut: int) -> None:
    """TCP keeps no borders."""
    frames = Frames()
    found = [*frames.feed(STREAM[:cut]), *frames.feed(STREAM[cut:])]
    assert [b"abc tg_1 s0 200 37", b"abc tg_1 s0 502 -1"] == found


@pytest.mark.parametrize(
    "line", [b"", b"- nothing <NOSRV> 400 -1", b"- port_80 <NOSRV> 408 -1", b"abc tg_1 s0 x 3", b"abc tg_1 s0 -1 -1"]
)
def test_what_is_no_request_is_not_counted(line: bytes) -> None:
    """A connection without one, and a client that went before any answer."""
    assert None is parse(line)


def test_whose_fault_an_answer_is() -> None:
    """A target's own 5xx, the balancer's for a target that hung up, and the balancer's when there is no target."""
    counts = Counts()
    for line in (
        b"l tg_1 s0 200 3",
        b"l tg_1 s1 200 3",
        b"l tg_1 s0 503 7",
        b"l tg_1 s0 502 -1",
        b"l tg_1 <NOSRV> 503 -1",
    ):
        request = parse(line)
        assert request is not None
        counts.note(request)
    tally = counts.groups["l", "tg_1"]

    assert (4, {2: 2, 5: 1}, {3: 2, 7: 1}) == (tally.requests, dict(tally.classes), dict(tally.response_ms))
    assert {("l", 5): 2} == dict(counts.refused)


def test_an_answer_in_no_time_is_an_answer() -> None:
    """0 ms is not -1."""
    assert Request("l", "tg_1", 200, 0) == parse(b"l tg_1 s0 200 0")
