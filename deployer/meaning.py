"""What a failure means once all is put back that could be: which error is told, and which verdict the ledger gets."""

from __future__ import annotations

import traceback
from collections.abc import Sequence

from deployer.errors import DeployError, GateFailed, Interrupted, ReleaseFailed, RolledBack, StateUncertain
from deployer.model import Verdict
from deployer.stage import Stage


def is_bug(error: BaseException) -> bool:
    """Whether nobody foresaw it."""
    return not isinstance(error, DeployError)


def gravity(error: BaseException) -> int:
    """How much of what happened would be hidden if this were not told."""
    if isinstance(error, StateUncertain):
        return 3
    if is_bug(error):
        return 2
    return 1 if isinstance(error, ReleaseFailed | Interrupted) else 0


def stuck(stage: Stage, failure: BaseException, first: BaseException) -> StateUncertain:
    """Undoing failed: both failures are told, and a bug with its traceback, since this is raised in its place."""
    told = [failure.details if isinstance(failure, DeployError) else tuple(traceback.format_exception(failure))]
    if is_bug(first):
        told.append(tuple(traceback.format_exception(first)))
    error = StateUncertain(
        f"put back what {stage.name} changed",
        f"{seen(failure)} (first failure: {seen(first)})",
        "look at `inv status` and at the log; then `inv rollback` or page the operations team",
        details=tuple(line for part in told for text in part for line in text.splitlines()),
    )
    error.__cause__ = failure
    return error


def seen(error: BaseException) -> str:
    """What was seen, without what was attempted."""
    return error.seen if isinstance(error, DeployError) else repr(error)


def of(error: BaseException, asked: str, *, undone: bool, kept: Sequence[str]) -> DeployError:
    """The error that is told: what failed, and what that means after `undone` or with what is `kept`."""
    stays = f"; what {' and '.join(kept)} changed stays, and suits what serves" if kept else ""
    if isinstance(error, Interrupted):
        who = f"{asked}; " if asked.startswith("aborted") else ""
        return Interrupted("run to the end", asked, f"{who}what was changed has been put back{stays}")
    told = error if isinstance(error, DeployError) else DeployError("run to the end", repr(error), "this is a bug")
    if not undone and kept and isinstance(error, GateFailed):
        hint = f"{told.hint or 'no task was touched'}{stays}"
        return ReleaseFailed(told.attempted, told.seen, hint, details=told.details, log=told.log)
    if not undone or isinstance(error, RolledBack | StateUncertain):
        return told
    hint = f"the version before serves again{f'; {told.hint}' if told.hint else ''}"
    put_back = RolledBack(told.attempted, told.seen, hint, details=told.details, log=told.log)
    put_back.__cause__ = error
    return put_back


def verdict(error: DeployError | None) -> Verdict:
    """What the ledger says of a release that ended with `error`."""
    if error is None:
        return Verdict.GOOD
    if isinstance(error, Interrupted):
        return Verdict.INTERRUPTED
    return Verdict.ROLLED_BACK if isinstance(error, RolledBack) else Verdict.FAILED
