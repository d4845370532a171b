"""A pipeline is checked when it is written, and its critical path is told when it has run."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deployer.errors import GateFailed
from deployer.model import StageResult, Status, Verdict
from deployer.stage import Report, Stage, check, critical_path, is_ready
from tests import examples

LOG: list[str] = []
A = examples.stage("a", log=LOG)
B = examples.stage("b", "a", log=LOG)
C = examples.stage("c", "a", log=LOG)
D = examples.stage("d", "b", "c", "elsewhere", log=LOG)


def took(name: str, seconds: float) -> StageResult:
    """A stage that took so long."""
    return StageResult(name, Status.OK, seconds)


def test_needs_outside_the_pipeline_count_as_met() -> None:
    """The same stage serves in long and in short pipelines."""
    check((B, D))

    assert is_ready(D, {"b"}, {"b", "d"})
    assert not is_ready(D, {"b"}, {"b", "c", "d"})


def test_a_circle_is_refused() -> None:
    """Nothing would ever start."""
    circle = (A, examples.stage("x", "y", log=LOG), examples.stage("y", "x", log=LOG))

    with pytest.raises(ValueError, match=r"circle: \['x', 'y'\]"):
        check(circle)


def test_names_do_not_repeat() -> None:
    """A result could not be told from the other."""
    with pytest.raises(ValueError, match="repeat"):
        check((A, B, A))


def test_what_is_final_comes_after_all_else() -> None:
    """What ran beside it could fail when nothing can be undone any more."""
    check((A, B, C, D, replace(examples.stage("last", "d", log=LOG), final=True)))

    with pytest.raises(ValueError, match=r"last is final, but need not wait for: \['c'\]"):
        check((A, B, C, replace(examples.stage("last", "b", log=LOG), final=True)))


def test_the_order_of_writing_does_not_matter() -> None:
    """Needs make the order; the tuple is for readers."""
    check((D, C, B, A))


def test_critical_path_is_the_longest_chain_of_needs() -> None:
    """The chain through the slower branch, and its seconds."""
    results = [took("a", 1.0), took("b", 2.0), took("c", 5.0), took("d", 1.5)]

    assert (("a", "c", "d"), 7.5) == critical_path((A, B, C, D), results)


def test_critical_path_follows_what_ran() -> None:
    """Stages that never started are not on it."""
    assert (("a", "b"), 3.0) == critical_path((A, B, C, D), [took("a", 1.0), took("b", 2.0)])


def test_critical_path_of_nothing() -> None:
    """A run that was refused before its first stage has none."""
    assert ((), 0.0) == critical_path((A, B), [])


def test_a_report_gives_its_reason_in_one_line() -> None:
    """What was attempted and what was seen; nothing when good."""
    release = examples.release()
    failed = Report(release, Verdict.FAILED, 1.0, (), GateFailed("lint", "two findings", "mend them"))

    assert "lint: two findings" == failed.reason
    assert "" == Report(release, Verdict.GOOD, 1.0, ()).reason


def test_a_stage_is_a_value() -> None:
    """Pipelines share stages; nobody may change one in passing."""
    with pytest.raises(AttributeError):
        A.name = "b"  # type: ignore[misc]

    assert Stage("a", (), A.run) == Stage("a", (), A.run)
