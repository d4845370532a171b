"""A form is stored exactly once, or the difference is told."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.chaos.stored import wrong_forms
from tests.load.answers import Answer

SENT = [Answer("201", 5, "slow form", key="k1", stored="f1"), Answer("503", 5, "slow form", key="k2")]
ROWS = [["k1", "f1", "t"]]
OBJECTS = Counter({"f1": 1})


def test_what_was_answered_is_there_once() -> None:
    """And what failed may be missing: it counts as dropped already."""
    assert [] == wrong_forms(SENT, ROWS, OBJECTS)
    assert [] == wrong_forms(SENT, [*ROWS, ["k2", "f2", "f"]], OBJECTS)


@pytest.mark.parametrize(
    ("rows", "objects", "mistake"),
    [
        ([], Counter[str](), "k1 is in 0 rows"),
        ([*ROWS, ["k1", "f3", "t"]], OBJECTS, "k1 is in 2 rows"),
        ([["k1", "f9", "t"]], Counter({"f9": 1}), "k1 was answered as f1 and is kept as f9"),
        ([["k1", "f1", "f"]], OBJECTS, "k1 is in 1 objects, its row says stored: f"),
        (ROWS, Counter({"f1": 2}), "k1 is in 2 objects, its row says stored: t"),
        (ROWS, Counter[str](), "k1 is in 0 objects, its row says stored: t"),
        ([*ROWS, ["k7", "f7", "t"]], OBJECTS, "k7 was never sent"),
    ],
)
def test_every_difference_is_told(rows: list[list[str]], objects: Counter[str], mistake: str) -> None:
    """Lost, doubled, under another id, in one place only, or out of nowhere."""
    assert [mistake] == wrong_forms(SENT, rows, objects)
