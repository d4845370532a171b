"""What stands before the ports and writes changes down: the same methods, a step of the journal around some of them.

The registry is not among them: what is pushed is named by its content, changes nothing that runs, and is never undone.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from deployer.model import Color, Drift, Plan, Record, Release, Revision, StoppedTask, Target, Topology
from deployer.ports import Compute, Infrastructure, Journal, Ledger, Say, Traffic


@dataclass(frozen=True)
class JournalledCompute:
    """ECS, whose changes are written down; fills ports.Compute."""

    inner: Compute
    journal: Journal

    def live(self, service: str, color: Color) -> Revision:
        """See ports.Compute; what is read first is what was there before."""
        revision = self.inner.live(service, color)
        self.journal.saw(revision)
        return revision

    def content(self, release: Release, service: str, image_reference: str) -> str:
        """See ports.Compute."""
        return self.inner.content(release, service, image_reference)

    def register(self, release: Release, service: str, image_reference: str) -> str:
        """See ports.Compute."""
        intent = f"a task definition of {service} for {release.id} in {release.color}"
        with self.journal.step("register", intent, release.color):
            return self.inner.register(release, service, image_reference)

    def registered(self, service: str, releases: Collection[str]) -> tuple[str, ...]:
        """See ports.Compute."""
        return self.inner.registered(service, releases)

    def deregister(self, task_definition: str) -> None:
        """See ports.Compute."""
        with self.journal.step("deregister", f"no task definition {_short(task_definition)}"):
            self.inner.deregister(task_definition)

    def roll_out(
        self, service: str, color: Color, task_definition: str, count: int, timeout_s: float, say: Say
    ) -> None:
        """See ports.Compute."""
        with self.journal.step("roll_out", f"{service} {color} runs {count} of {_short(task_definition)}", color):
            self.inner.roll_out(service, color, task_definition, count, timeout_s, say)

    def scale(self, service: str, color: Color, count: int) -> None:
        """See ports.Compute."""
        with self.journal.step("scale", f"{service} {color} runs {count}"):
            self.inner.scale(service, color, count)

    def keep(self, service: str, color: Color, fewest: int) -> None:
        """See ports.Compute."""
        with self.journal.step("keep", f"{service} {color} keeps at least {fewest}"):
            self.inner.keep(service, color, fewest)

    def run_task(self, service: str, task_definition: str, command: Sequence[str], timeout_s: float, say: Say) -> None:
        """See ports.Compute."""
        with self.journal.step("run_task", f"a one-off task of {_short(task_definition)} has run"):
            self.inner.run_task(service, task_definition, command, timeout_s, say)

    def schedule(self, image_reference: str) -> bool:
        """See ports.Compute."""
        with self.journal.step("schedule", f"the schedule runs {_short(image_reference)}"):
            return self.inner.schedule(image_reference)

    def stopped(self, service: str, task_definition: str) -> tuple[StoppedTask, ...]:
        """See ports.Compute."""
        return self.inner.stopped(service, task_definition)


@dataclass(frozen=True)
class JournalledTraffic:
    """ELBv2, whose changes are written down; fills ports.Traffic."""

    inner: Traffic
    journal: Journal

    def weights(self) -> Mapping[Color, int]:
        """See ports.Traffic; what is read first is what was there before."""
        weights = self.inner.weights()
        self.journal.saw_weights(weights)
        return weights

    def set_weights(self, weights: Mapping[Color, int]) -> None:
        """See ports.Traffic."""
        words = ", ".join(f"{color} {weights.get(color, 0)}%" for color in Color)
        with self.journal.step("set_weights", words):
            self.inner.set_weights(weights)

    def test_color(self) -> Color | None:
        """See ports.Traffic."""
        return self.inner.test_color()

    def point_test(self, color: Color) -> None:
        """See ports.Traffic."""
        with self.journal.step("point_test", f"the test listener leads to {color}"):
            self.inner.point_test(color)

    def targets(self, service: str, color: Color) -> tuple[Target, ...]:
        """See ports.Traffic."""
        return self.inner.targets(service, color)


@dataclass(frozen=True)
class JournalledInfrastructure:
    """Terraform, whose applies are written down; fills ports.Infrastructure."""

    inner: Infrastructure
    journal: Journal

    def prepare(self, say: Say) -> None:
        """See ports.Infrastructure."""
        self.inner.prepare(say)

    def unchanged(self) -> Plan | None:
        """See ports.Infrastructure."""
        return self.inner.unchanged()

    def plan(self, commit: str, log: Path, say: Say) -> Plan:
        """See ports.Infrastructure."""
        return self.inner.plan(commit, log, say)

    def apply(self, plan: Plan, log: Path, say: Say) -> None:
        """See ports.Infrastructure."""
        with self.journal.step("apply", f"the plan {plan.sha256[:12]} is applied ({len(plan.changes)} changes)"):
            self.inner.apply(plan, log, say)

    def drift(self, log: Path, say: Say) -> Drift:
        """See ports.Infrastructure."""
        return self.inner.drift(log, say)

    def topology(self) -> Topology:
        """See ports.Infrastructure."""
        return self.inner.topology()


@dataclass(frozen=True)
class JournalledLedger:
    """The ledger, whose records are written down in the journal first; fills ports.Ledger."""

    inner: Ledger
    journal: Journal

    def write(self, record: Record) -> None:
        """See ports.Ledger."""
        with self.journal.step("write", f"the ledger has {record.release} as {record.outcome or 'begun'}"):
            self.inner.write(record)

    def find(self, release_id: str) -> Record | None:
        """See ports.Ledger."""
        return self.inner.find(release_id)

    def history(self) -> tuple[Record, ...]:
        """See ports.Ledger."""
        return self.inner.history()

    def mend(self, damaged: Collection[str]) -> tuple[str, ...]:
        """See ports.Ledger."""
        return self.inner.mend(damaged)


def _short(arn: str) -> str:
    return arn.rsplit("/", 1)[-1]
