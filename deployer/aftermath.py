"""What is done when a run has come to its end, whatever that was: the ledger's last word, and nothing left to start."""

from __future__ import annotations

from dataclasses import replace

from deployer import console, recovery, reports
from deployer.errors import DeployError, StateUncertain
from deployer.model import Record, Verdict
from deployer.ports import World
from deployer.stage import Report


def write_down(report: Report, world: World) -> Report:
    """The last word in the ledger. A release that nobody can look up is not done."""
    record = Record.of(
        report.release,
        report.verdict,
        ended_at=world.lease.now(),
        reason=report.reason,
        stages=reports.stages(report.results),
        gates=tuple(world.decisions),
    )
    try:
        world.ledger.write(record)
    except DeployError as error:
        hint = "the release itself is as the table says; `inv status` asks the cloud"
        uncertain = report.error or StateUncertain("write the ledger", error.seen, hint)
        verdict = Verdict.FAILED if report.verdict is Verdict.GOOD else report.verdict
        return replace(report, verdict=verdict, error=uncertain)
    return report


def leave_nothing(report: Report, world: World) -> None:
    """What was registered for a release that came to nothing can be started by nobody any more.

    It stays readable for whoever looks into the failure. When it cannot be done the next recovery does it, or nobody
    has to: nothing runs it.
    """
    if isinstance(report.error, StateUncertain):
        return
    try:
        for line in recovery.forget({report.release.id, report.release.serves}, world.ledger.history(), world):
            console.line(line)
    except DeployError as error:
        console.line(f"its task definitions are still registered: {error.seen}")
