"""Which split was in force when, from looks at the listener."""

from __future__ import annotations

from tests.chaos.weights import Held, Look, held, most

BLUE = {"blue": 100, "green": 0}
TENTH = {"blue": 90, "green": 10}
GREEN = {"blue": 0, "green": 100}


def test_a_split_counts_from_when_it_has_settled_to_when_it_was_seen_last() -> None:
    """Between two looks nobody knows when it changed."""
    looks = [Look(0, BLUE), Look(1, BLUE), Look(2, TENTH), Look(4, TENTH), Look(5, GREEN), Look(9, GREEN)]

    assert [Held(0.5, 1, BLUE), Held(2.5, 4, TENTH), Held(5.5, 9, GREEN)] == held(looks, 0.5)


def test_what_never_settled_is_left_out_and_what_comes_again_counts_again() -> None:
    """A rollback brings the first split back."""
    looks = [Look(0, BLUE), Look(3, BLUE), Look(4, TENTH), Look(4.2, TENTH), Look(5, BLUE), Look(7, BLUE)]

    assert [Held(0.5, 3, BLUE), Held(5.5, 7, BLUE)] == held(looks, 0.5)


def test_the_most_that_a_color_had_meanwhile() -> None:
    """Also by the looks around it: the change may have come at any time between two."""
    looks = [Look(0, BLUE), Look(2, TENTH), Look(4, BLUE)]

    assert [0, 10, 10, 10, 0] == [most(looks, "green", *span) for span in ((-2, -1), (1, 1), (2.5, 3), (1, 5), (4, 5))]
    assert 100 == most([], "green", 0, 1)
