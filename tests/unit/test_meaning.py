"""What a failure means once all is put back that could be."""

from __future__ import annotations

import pytest

from deployer import meaning
from deployer.errors import DeployError, GateFailed, Interrupted, Locked, ReleaseFailed, RolledBack, StateUncertain
from deployer.model import Verdict


@pytest.mark.parametrize(
    ("error", "undone", "kept", "expected"),
    [
        (GateFailed("test", "no"), False, [], GateFailed),
        (GateFailed("smoke", "404"), True, [], RolledBack),
        (GateFailed("verify", "no role"), False, ["apply"], ReleaseFailed),
        (ReleaseFailed("roll out", "crash"), True, [], RolledBack),
        (StateUncertain("put back", "no answer"), True, [], StateUncertain),
        (Locked("lock", "ann"), False, [], Locked),
        (Interrupted("wait", "asked to stop"), True, [], Interrupted),
        (ZeroDivisionError("a bug"), False, [], DeployError),
    ],
)
def test_what_is_told(error: Exception, undone: bool, kept: list[str], expected: type[DeployError]) -> None:
    """By what failed, what was undone and what stays."""
    assert expected is type(meaning.of(error, "asked to stop", undone=undone, kept=kept))


def test_who_aborted_a_run_is_told_and_a_signal_has_no_name() -> None:
    """The ledger's reason is the error's words, the screen shows the hint."""
    aborted = meaning.of(Interrupted("a", "b"), "aborted by ben: wrong commit", undone=True, kept=[])
    signalled = meaning.of(Interrupted("a", "b"), "asked to stop", undone=True, kept=["apply"])

    assert "run to the end: aborted by ben: wrong commit" == str(aborted)
    assert "aborted by ben: wrong commit; what was changed has been put back" == aborted.hint
    assert "what was changed has been put back; what apply changed stays, and suits what serves" == signalled.hint


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (None, Verdict.GOOD),
        (Interrupted("a", "b"), Verdict.INTERRUPTED),
        (RolledBack("a", "b"), Verdict.ROLLED_BACK),
        (ReleaseFailed("a", "b"), Verdict.FAILED),
        (StateUncertain("a", "b"), Verdict.FAILED),
    ],
)
def test_the_verdict_of_the_ledger(error: DeployError | None, verdict: Verdict) -> None:
    """Good only without an error."""
    assert verdict is meaning.verdict(error)
