"""JSON that is kept between commands under the hash of all that it was made from; a loss costs a moment, no more.

    place = place_of(root / ".cache" / "tfvars", text, made_by)
    value = recall(place)
    if value is None:
        value = make(text)
        note(place, value)

What is found there is believed, so only what has passed every check is noted.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any


def place_of(folder: Path, text: str, made_by: Path) -> Path:
    """Where in `folder` that is kept which the code in the file `made_by` makes of `text`."""
    key = hashlib.sha256(made_by.read_bytes() + b"\0" + text.encode())
    return folder / f"{key.hexdigest()}.json"


def recall(place: Path) -> Any:
    """What was noted; None when nothing was, or it cannot be read."""
    try:
        return json.loads(place.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def note(place: Path, value: object) -> None:
    """Keep `value`, whole or not at all: it is JSON, of which no beginning is valid."""
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(json.dumps(value), encoding="utf-8")
    except OSError:
        pass  # a read-only checkout only costs the moment again
