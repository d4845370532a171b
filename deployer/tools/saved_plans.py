"""Saved Terraform plans of one environment: the files, their hashes, what they would change and what they are of."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from deployer.errors import GateFailed
from deployer.model import Change, Plan

_KEPT = 5
_AGAIN = "plan again: inv plan"


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

    def keep(self, draft: Path, changes: Sequence[Change], *, commit: str, inputs: str) -> Plan:
        """Name the plan by its SHA-256, note what it is of, and drop the oldest ones.

        `inputs` hashes all that it was made from but the state: the files, which a commit alone need not tell.
        """
        draft.chmod(0o600)
        sha256 = _sha256(draft)
        plan = Plan(self._folder / f"{sha256[:16]}.tfplan", sha256, tuple(changes), datetime.now(UTC), commit)
        draft.replace(plan.path)
        note = {
            "sha256": sha256,
            "commit": commit,
            "inputs": inputs,
            "planned_at": plan.planned_at.isoformat() if plan.planned_at else "",
            "changes": [dataclasses.asdict(change) for change in plan.changes],
        }
        # Whole or not at all: half a note would make it a plan that nobody may apply.
        written = plan.path.with_suffix(f".{os.getpid()}")
        written.write_text(json.dumps(note, indent=1), encoding="utf-8")
        written.replace(plan.path.with_suffix(".json"))
        for old in self._notes()[_KEPT:]:
            old.with_suffix(".tfplan").unlink(missing_ok=True)
            old.unlink(missing_ok=True)
        return plan

    def latest(self) -> tuple[Plan, str] | None:
        """Return the newest plan and its inputs, for an `apply` in a later process; None when none was ever saved.

        Raises GateFailed when its note is damaged: an older plan is not the one that was shown last.
        """
        note = next(iter(self._notes()), None)
        if note is None:
            return None
        try:
            noted = json.loads(note.read_text(encoding="utf-8"))
            changes = tuple(_change(change) for change in noted["changes"])
            planned_at = datetime.fromisoformat(noted["planned_at"])
            plan = Plan(note.with_suffix(".tfplan"), str(noted["sha256"]), changes, planned_at, str(noted["commit"]))
            return plan, str(noted["inputs"])
        except (OSError, ValueError, KeyError, TypeError):
            raise GateFailed("read the saved plan", f"{note} cannot be read", _AGAIN) from None

    def verify(self, plan: Plan) -> None:
        """Raise GateFailed unless the file is there and is the very one that was planned."""
        attempted = f"apply the plan {plan.sha256[:12]}"
        if not plan.path.is_file():
            raise GateFailed(attempted, f"{plan.path} does not exist", _AGAIN)
        found = _sha256(plan.path)
        if found != plan.sha256:
            seen = f"{plan.path} has the SHA-256 {found[:12]}: it is not what was planned and shown"
            raise GateFailed(attempted, seen, _AGAIN)

    def _notes(self) -> list[Path]:
        return sorted(self._folder.glob("*.json"), key=lambda note: note.stat().st_mtime_ns, reverse=True)


def _change(noted: dict[str, Any]) -> Change:
    attributes = tuple(str(name) for name in noted["attributes"])
    return Change(
        str(noted["action"]), str(noted["address"]), attributes, str(noted["note"]), bool(noted["loses_data"])
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
