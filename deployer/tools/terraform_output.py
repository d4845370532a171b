"""What `terraform -json` prints: progress for people, diagnostics for errors.

Format: https://developer.hashicorp.com/terraform/internals/machine-readable-ui. Attribute values are never shown: only
messages, addresses, and the lines of configuration that a diagnostic points at.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from deployer.errors import DeployError, GateFailed, Locked, ReleaseFailed, StateUncertain, Unreachable
from deployer.tools.process import Finished

_DOING = {"create": "creating", "update": "updating", "delete": "destroying", "replace": "replacing", "read": "reading"}
_LOCK_FIELD = re.compile(r"^\s*(ID|Who|Created|Operation):[ \t]+(.+?)\s*$", re.MULTILINE)
_LONGEST = 300
"""Characters of one line of error; the rest is in its details."""
_NOT_INITIALISED = (
    "Backend initialization required",
    "Backend configuration changed",
    "Module not installed",
    "Inconsistent dependency lock file",
    "Required plugins are not installed",
    "Missing required provider",
)
_OUT_OF_REACH = re.compile(
    r"connection refused|no such host|i/o timeout|network is unreachable|TLS handshake timeout|connection reset"
    r"|Client\.Timeout exceeded|failed to refresh cached credentials|no valid credential sources"
    r"|ExpiredToken|could not connect to registry|failed to retrieve (?:the )?(?:list|authentication)"
    r"|Failed to query available provider packages|Unsupported Terraform Core version",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One thing Terraform complains about: where (a resource, a place in the configuration) and why."""

    summary: str
    detail: str = ""
    address: str = ""
    place: str = ""

    def lines(self) -> tuple[str, ...]:
        """Return it as text: what and where first, then why."""
        where = ", ".join(part for part in (self.address, self.place) if part)
        head = f"{self.summary} ({where})" if where else self.summary
        return (head, *(f"  {line}" for line in self.detail.splitlines() if line.strip()))


class Output:
    """Listens to one run of Terraform. `say` gets a line at most every `every_s` seconds."""

    def __init__(
        self, say: Callable[[str], None], *, every_s: float = 3.0, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self.errors: list[Diagnostic] = []
        self._say = say
        self._every_s = every_s
        self._monotonic = monotonic
        self._next_s = monotonic() + every_s
        self._planned = 0
        self._done = 0
        self._read = 0
        self._doing: dict[str, tuple[str, float]] = {}

    def hear(self, line: str) -> None:
        """Take one line as printed."""
        event = _event(line)
        kind = event.get("type", "")
        if kind == "diagnostic" and event["diagnostic"].get("severity") == "error":
            self.errors.append(_diagnostic(event["diagnostic"]))
        elif kind == "planned_change" and event["change"]["action"] != "read":
            self._planned += 1
        elif kind == "refresh_complete":
            self._read += 1
        elif kind in ("apply_start", "apply_complete", "apply_errored"):
            hook = event["hook"]
            address = str(hook["resource"]["addr"])
            if kind == "apply_start":
                self._doing[address] = (_DOING.get(hook["action"], hook["action"]), self._monotonic())
            else:
                self._doing.pop(address, None)
                self._done += kind == "apply_complete"
        self._progress()

    def render(self, line: str) -> str | None:
        """Return the line as people read it in the log."""
        event = _event(line)
        if event.get("type") == "diagnostic":
            diagnostic = event["diagnostic"]
            return "\n".join((str(event.get("@message", "")), *_diagnostic(diagnostic).lines()))
        return str(event["@message"]) if "@message" in event else line

    def _progress(self) -> None:
        now = self._monotonic()
        if now < self._next_s:
            return
        if self._doing:
            address, (verb, since) = min(self._doing.items(), key=lambda item: item[1][1])
            others = f" and {len(self._doing) - 1} more" if len(self._doing) > 1 else ""
            self._say(f"{self._done}/{self._planned} done; {address}: {verb}… {now - since:.0f} s{others}")
        elif self._read:
            self._say(f"resources read: {self._read}")
        else:
            return
        self._next_s = now + self._every_s


def _event(line: str) -> dict[str, Any]:
    if line.startswith("{"):
        try:
            event = json.loads(line)
        except ValueError:
            return {}
        return event if isinstance(event, dict) else {}
    return {}


def _diagnostic(raw: dict[str, Any]) -> Diagnostic:
    place = raw.get("range") or {}
    where = f"{place['filename']}:{place['start']['line']}" if place else ""
    return Diagnostic(str(raw.get("summary", "")), str(raw.get("detail", "")), str(raw.get("address", "")), where)


def needs_init(errors: Sequence[Diagnostic]) -> bool:
    """Say whether Terraform only asks to be initialised again."""
    return any(marker in error.summary for error in errors for marker in _NOT_INITIALISED)


def failure(
    attempted: str, errors: Sequence[Diagnostic], finished: Finished, *, unlock: str, applying: bool = False
) -> DeployError:
    """Return the error of ours that a failed run means. `unlock` is the command that breaks the state lock."""
    text = "\n".join(line for error in errors for line in error.lines()) or "\n".join(finished.tail)
    details = tuple(text.splitlines()[:40])
    first = errors[0] if errors else Diagnostic(finished.tail[-1] if finished.tail else f"exit {finished.returncode}")
    lock = dict(_LOCK_FIELD.findall(text))
    if "Error acquiring the state lock" in text and "ID" in lock:
        seen = f"the state is locked by {lock.get('Who', '?')} since {lock.get('Created', '?')}"
        hint = f"wait for that run ({lock.get('Operation', 'unknown')}); if it is dead: {unlock} {lock['ID']}"
        return Locked(attempted, seen, hint, log=finished.log)
    if "errored.tfstate" in text or "Failed to save state" in text or "Error saving state" in text:
        hint = "changes were made that the state does not know: push errored.tfstate (terraform state push) first"
        return StateUncertain(attempted, "the state could not be saved", hint, details=details, log=finished.log)
    seen = _seen(first)
    if "Saved plan is stale" in text:
        hint = "something changed the state since it was planned: plan again"
        return GateFailed(attempted, "the saved plan is stale", hint, details=details, log=finished.log)
    if _OUT_OF_REACH.search(text):
        return Unreachable(attempted, seen, _reach_hint(text), details=details, log=finished.log)
    if applying:
        hint = "what was changed before is in the state: run it again to continue"
        return ReleaseFailed(attempted, seen, hint, details=details, log=finished.log)
    hint = "nothing was changed; correct the configuration it names"
    return GateFailed(attempted, seen, hint, details=details, log=finished.log)


def _seen(first: Diagnostic) -> str:
    where = first.address or first.place
    summary = f"{where}: {first.summary}" if where else first.summary
    reason = next((line.strip() for line in first.detail.splitlines() if line.strip()), "")
    seen = f"{summary}: {reason}" if reason and reason not in summary else summary
    return seen if len(seen) <= _LONGEST else f"{seen[:_LONGEST]}…"


def _reach_hint(text: str) -> str:
    if "Unsupported Terraform Core version" in text:
        return "install the Terraform version that the configuration asks for"
    if "provider packages" in text or "registry" in text:
        return "set TF_PLUGIN_MIRROR to a folder that contains registry.terraform.io, or let this machine reach it"
    if "redential" in text or "ExpiredToken" in text:
        return "log in to AWS again (for example: aws sso login)"
    return "is the cloud up and reachable? for the local one: inv cloud.up"
