"""Saved Terraform plans of one environment: the files, their hashes, and what they would change."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

from deployer.errors import GateFailed
from deployer.model import Plan
from deployer.tools.plan_summary import Summary

_KEPT = 5


class SavedPlans:
    """Plans under `folder`, a note beside each, for their owner's eyes alone (0600).

    Our own secrets are in no plan: their values are ephemeral or write-only. But Terraform writes whatever else is
    sensitive into a plan in the clear, and the next resource somebody adds may have such a value.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def draft(self) -> Path:
        """Return where Terraform may write a new plan; two runs get two places."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._folder.chmod(0o700)
        return self._folder / f"draft-{os.getpid()}"

    def keep(self, draft: Path, summary: Summary) -> Plan:
        """Name the plan by its SHA-256, note its summary, and drop the oldest ones."""
        draft.chmod(0o600)
        sha256 = _sha256(draft)
        plan = Plan(self._folder / f"{sha256[:16]}.tfplan", sha256, summary.changes)
        draft.replace(plan.path)
        note = {"sha256": sha256, "changes": summary.changes, "lines": summary.lines}
        plan.path.with_suffix(".json").write_text(json.dumps(note, indent=1), encoding="utf-8")
        for old in self._notes()[_KEPT:]:
            old.with_suffix(".tfplan").unlink(missing_ok=True)
            old.unlink(missing_ok=True)
        return plan

    def latest(self) -> Plan | None:
        """Return the newest saved plan, for an `apply` in a later process."""
        for note in self._notes():
            try:
                noted = json.loads(note.read_text(encoding="utf-8"))
                changes = tuple((str(action), str(address)) for action, address in noted["changes"])
                return Plan(note.with_suffix(".tfplan"), str(noted["sha256"]), changes)
            except (OSError, ValueError, KeyError, TypeError):
                continue  # a damaged note speaks for no plan
        return None

    def lines(self, plan: Plan) -> tuple[str, ...]:
        """Return the plan's summary as people read it."""
        try:
            return tuple(json.loads(plan.path.with_suffix(".json").read_text(encoding="utf-8"))["lines"])
        except (OSError, ValueError, KeyError, TypeError):
            return ()

    def verify(self, plan: Plan) -> None:
        """Raise GateFailed unless the file is there and is the very one that was planned."""
        attempted = f"apply the plan {plan.sha256[:12]}"
        if not plan.path.is_file():
            raise GateFailed(attempted, f"{plan.path} does not exist", "plan again: inv plan")
        found = _sha256(plan.path)
        if found != plan.sha256:
            seen = f"{plan.path} has the SHA-256 {found[:12]}: it is not what was planned and shown"
            raise GateFailed(attempted, seen, "plan again: inv plan")

    def _notes(self) -> list[Path]:
        return sorted(self._folder.glob("*.json"), key=lambda note: note.stat().st_mtime_ns, reverse=True)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
