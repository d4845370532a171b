"""`inv parity`: the environments' terraform.tfvars side by side. A difference needs a reason, in parity.toml.

    [database]
    multi_az = "development's data is synthetic by rule: a failed zone costs a redeploy"

Keys are those of the tfvars; an entry that excuses no difference any more is an error, too.
"""

from __future__ import annotations

import json
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deployer import config, console, screen
from deployer.errors import ConfigError, GateFailed

ROOT = Path(__file__).resolve().parent.parent
REASONS = config.ENVIRONMENTS_FOLDER / "parity.toml"
_ABSENT = "-"


@dataclass(frozen=True, slots=True)
class Row:
    """One key: what each environment says (as JSON, None where it is left out), and why they may differ."""

    key: str
    values: Mapping[str, str | None]
    reason: str = ""

    @property
    def differs(self) -> bool:
        """Whether any two of them say something else, or only some say anything."""
        return len(set(self.values.values())) > 1

    @property
    def unexplained(self) -> bool:
        """Whether they differ without a reason."""
        return self.differs and not self.reason


def parity(*, as_json: bool, root: Path = ROOT) -> int:
    """Show every key. Raises GateFailed for a difference without a reason, and for a reason without a difference."""
    given = {name: config.values(root, name) for name in config.ENVIRONMENTS}
    listed = reasons(root / REASONS)
    rows = compared(given, listed)
    stale = sorted(set(listed) - {row.key for row in rows if row.differs})
    if as_json:
        console.data(_answer(rows, stale))
    else:
        _tell(rows)
    unexplained = [row.key for row in rows if row.unexplained]
    if unexplained or stale:
        raise GateFailed(
            "compare the environments",
            f"{len(unexplained)} differences without a reason, {len(stale)} reasons without a difference",
            f"make them alike, or write down why not, in {REASONS}",
            details=(*(f"no reason: {key}" for key in unexplained), *(f"no difference: {key}" for key in stale)),
        )
    console.line(f"{sum(row.differs for row in rows)} of {len(rows)} keys differ, each for its reason")
    return 0


def compared(given: Mapping[str, Mapping[str, Any]], listed: Mapping[str, str]) -> list[Row]:
    """Every key that any environment has, by name."""
    flat = {name: dict(_leaves(values)) for name, values in given.items()}
    keys = sorted({key for values in flat.values() for key in values})
    told = {key: {name: _written(values, key) for name, values in flat.items()} for key in keys}
    return [Row(key, values, listed.get(key, "")) for key, values in told.items()]


def reasons(file: Path) -> dict[str, str]:
    """Each key's reason. Raises ConfigError for a file that cannot be used or a reason that says nothing."""
    try:
        read = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError("read why environments differ", f"{file.name}: {error}") from error
    listed = {}
    for key, reason in _leaves(read):
        if not isinstance(reason, str) or not reason.strip():
            seen = f"{file.name}: {key} has no reason"
            raise ConfigError("read why environments differ", seen, "a sentence says why")
        listed[key] = reason
    return listed


def _leaves(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, object]]:
    """Every value that is no object, by its dotted key. Lists are compared as a whole: their order counts."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _written(values: Mapping[str, object], key: str) -> str | None:
    return json.dumps(values[key], ensure_ascii=False) if key in values else None


def _answer(rows: Sequence[Row], stale: Sequence[str]) -> dict[str, object]:
    """The object of `parity --json`; a value is None where an environment leaves the key out."""
    return {
        "keys": [
            {
                "key": row.key,
                "values": {name: None if text is None else json.loads(text) for name, text in row.values.items()},
                "differs": row.differs,
                "reason": row.reason or None,
            }
            for row in rows
        ],
        "unexplained": [row.key for row in rows if row.unexplained],
        "stale": list(stale),
    }


def _tell(rows: Sequence[Row]) -> None:
    cells = [(f"{'≠' if row.differs else ' '} {row.key}", *(_shown(v) for v in row.values.values())) for row in rows]
    head, *told = screen.wrapped([("  key", *config.ENVIRONMENTS), *cells], screen.columns(sys.stdout))
    for line in head:
        console.answer(line)
    for row, lines in zip(rows, told, strict=True):
        for line in lines:
            console.answer(line, alarm=row.unexplained)
        if row.differs:
            console.paragraph(row.reason or "NO REASON is given for this")


def _shown(text: str | None) -> str:
    """A text keeps its quotes only where it would look like something else without them."""
    if text is None:
        return _ABSENT
    value = json.loads(text)
    if not isinstance(value, str):
        return text
    try:
        json.loads(value)
    except ValueError:
        return value or text
    return text
