"""What a figure says: ratio, verdict, table, JSON."""

from __future__ import annotations

import pytest

from tests.bench.figures import NOT_MEASURED, Figure, Goal, Samples, calls_table, from_json, table, to_json

OURS = Samples("inv deploy", (10.0, 12.0, 30.0))
PLAIN = Samples("plain.sh", (40.0, 44.0))
BOTH = Goal(20, 0.5)


def test_the_ratio_is_of_medians() -> None:
    """One slow repetition does not decide."""
    assert 12.0 / 42.0 == Figure("x", BOTH, OURS, PLAIN).ratio
    assert Figure("x", BOTH, OURS).ratio is None


@pytest.mark.parametrize(
    ("figure", "holds"),
    [
        (Figure("x", BOTH, OURS, PLAIN), True),
        (Figure("x", Goal(12, 2 / 7), OURS, PLAIN), True),
        (Figure("x", Goal(11.9, 0.5), OURS, PLAIN), False),
        (Figure("x", Goal(20, 0.28), OURS, PLAIN), False),
        (Figure("x", BOTH, OURS, PLAIN, doubts=("3 requests dropped",)), False),
        (Figure("x", Goal(3), OURS), False),
        (Figure("x", Goal(12), OURS), True),
        (Figure("x", BOTH, OURS), None),
        (Figure("x", BOTH), None),
        (Figure("x", BOTH, OURS, PLAIN, wrong="the cloud died"), None),
    ],
)
def test_a_goal_holds_only_when_all_of_it_was_measured_and_met(figure: Figure, holds: bool | None) -> None:
    """Seconds and ratio, both; a doubt says no; half a measure says nothing."""
    assert holds is figure.holds


def test_the_table_has_a_row_a_measure_and_says_what_is_missing() -> None:
    """Nobody has to guess why there is no figure."""
    figures = [Figure("one line", BOTH, OURS, PLAIN, notes=("test 9 s",)), Figure("cold", Goal(300), wrong="no engine")]
    lines = table(figures)

    assert ["measure", "ours", "other", "ratio", "goal", "holds"] == lines[0].split()
    assert (
        "one line  12.0 s (10.0–30.0, n=3)  plain.sh 42.0 s (40.0–44.0, n=2)  0.29   ≤ 20 s, ≤ 0.5 ×  yes" == lines[1]
    )
    assert lines[2].startswith("cold ")
    assert lines[2].endswith(NOT_MEASURED)
    assert ["", "one line:", "  test 9 s", "", "cold:", f"  {NOT_MEASURED}: no engine"] == lines[3:]


def test_a_goal_that_is_missed_is_shouted() -> None:
    """NO is not to be overlooked."""
    assert table([Figure("x", Goal(3), OURS)])[1].endswith("NO")


@pytest.mark.parametrize("figure", [Figure("x", BOTH, OURS, PLAIN, ("n",), ("d",)), Figure("y", Goal(3), wrong="z")])
def test_a_figure_survives_the_report(figure: Figure) -> None:
    """A later run with --only prints the rest of the table from it."""
    assert figure == from_json(to_json(figure))


def test_the_report_spells_out_what_follows_from_the_samples() -> None:
    """Whoever reads the JSON need not compute."""
    kept = to_json(Figure("x", BOTH, OURS, PLAIN))

    assert (0.286, True) == (kept["ratio"], kept["holds"])
    assert (12.0, 10.0, 30.0) == tuple(kept["ours"][key] for key in ("median", "min", "max"))


def test_calls_are_told_by_operation_with_their_sum() -> None:
    """A column for each deploy."""
    lines = calls_table({"one line": {"ecs.A": 2, "s3.B": 11}, "nothing": {"ecs.A": 1}})

    assert [
        ["AWS", "calls", "one", "line", "nothing"],
        ["ecs.A", "2", "1"],
        ["s3.B", "11", "–"],
        ["in", "all", "13", "1"],
    ] == [line.split() for line in lines]
