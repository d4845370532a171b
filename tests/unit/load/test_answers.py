"""What the load saw, in figures."""

from __future__ import annotations

import json
from pathlib import Path

from tests.load.answers import Answer, Seen, together


def test_figures_of_several_loads_add_up() -> None:
    """Percentiles are of the answered ones, by nearest rank."""
    one = Seen([Answer("200", 0.010), Answer("201", 0.020)])
    two = Seen([Answer("503", 9.0), Answer("200", 0.030)])
    both = together([one, two])

    assert (4, 1, 20, 30) == (both.sent, both.dropped, both.percentile_ms(50), both.percentile_ms(99))
    assert "1 of 4 requests dropped (1 503); p50 20 ms, p99 30 ms, p100 30 ms" == both.told()


def test_a_redirect_or_an_empty_answer_is_a_failure() -> None:
    """Only what was asked for is good."""
    seen = Seen([Answer(outcome, 0.1, due=due) for due, outcome in enumerate(("302", "204", "200", "NoAnswer"))])

    assert ["302", "204", "NoAnswer"] == [answer.outcome for answer in seen.failures()]


def test_one_kind_is_looked_at_alone() -> None:
    """Uploads are slow by intention; they say nothing about pages."""
    seen = Seen([Answer("200", 0.1, "fresh"), Answer("201", 9, "upload")])

    assert (1, 9000) == (seen.of("upload").sent, seen.of("upload").percentile_ms(50))


def test_every_request_is_kept(tmp_path: Path) -> None:
    """A line each, in the order in which they were due."""
    file = tmp_path / "requests.jsonl"
    Seen([Answer("200", 0.1, due=2.0), Answer("503", 0.2, due=1.0, key="k")]).write(file)

    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    assert [(1.0, "503", "k"), (2.0, "200", "")] == [(line["due"], line["outcome"], line["key"]) for line in lines]
