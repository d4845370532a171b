"""Remembers the last Terraform plan that had nothing to change, and what it was made from.

While neither the configuration nor the state has changed since, a new plan would cost seconds to say the same. What it
would see besides is drift: a change that somebody made around Terraform. Nothing here speaks for that.
"""

from __future__ import annotations

import hashlib
import json
import os
from datetime import UTC, datetime
from pathlib import Path

from deployer.model import Plan


def configuration_digest(configuration: Path, environment: Path) -> str:
    """SHA-256 over the content of all files under `configuration`, of the environments only that in `environment`.

    Tests do not count, nor what Terraform keeps for itself.
    """
    whole = hashlib.sha256()
    for folder, folders, names in os.walk(configuration):
        place = Path(folder)
        folders[:] = sorted(name for name in folders if _counts(place / name, configuration, environment))
        for name in sorted(names):
            file = place / name
            content = hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else "gone"
            whole.update(f"{file.relative_to(configuration)}\0{content}\n".encode())
    return whole.hexdigest()


def _counts(folder: Path, configuration: Path, environment: Path) -> bool:
    if folder.parent == configuration / "environments":
        return folder == environment
    return folder.name not in {".terraform", "tests"}


class CleanPlan:
    """The note about it in `file`. A note that is damaged or cannot be written only costs a plan."""

    def __init__(self, file: Path) -> None:
        self._file = file

    @property
    def noted(self) -> bool:
        """Whether there is anything to compare with."""
        return self._file.is_file()

    def last(self, inputs: str, state: str) -> Plan | None:
        """Return the plan if it was made from these `inputs` and this `state`."""
        try:
            noted = json.loads(self._file.read_text(encoding="utf-8"))
            if (noted["inputs"], noted["state"]) != (inputs, state):
                return None
            planned_at = datetime.fromisoformat(noted["planned_at"])
            return Plan(Path(noted["path"]), str(noted["sha256"]), (), planned_at)
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def remember(self, plan: Plan, inputs: str, state: str) -> None:
        """Note an empty `plan`."""
        note = {"inputs": inputs, "state": state, "sha256": plan.sha256, "path": str(plan.path)}
        note["planned_at"] = (plan.planned_at or datetime.now(UTC)).isoformat()
        draft = self._file.with_name(f"{self._file.name}.{os.getpid()}")
        try:
            draft.write_text(json.dumps(note, indent=1), encoding="utf-8")
            draft.replace(self._file)
        except OSError:
            draft.unlink(missing_ok=True)
