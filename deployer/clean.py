"""`inv clean`: what nobody uses any more on this machine, by the rule in `tools/waste.py`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from deployer import console, screen
from deployer.tools import old_files, old_images
from deployer.tools.docker_cli import reaching_engine
from deployer.tools.waste import Waste

ROOT = Path(__file__).resolve().parent.parent
_SHOWN = 48
"""Characters of a name that people are shown."""


def clean(*, yes: bool, as_json: bool) -> int:
    """Show what would go; with `yes` remove it. Raises Unreachable when no Docker Engine answers."""
    found = _found(datetime.now(UTC))
    if yes:
        for waste in found:
            waste.remove()
    if as_json:
        console.data({
            "removed": yes,
            "bytes": _whole(found),
            "items": [{"what": w.what, "bytes": w.size_bytes, "why": w.why} for w in found],
        })  # fmt: skip
        return 0
    for row in screen.table([("what", "size", "why"), *_rows(found)]) if found else ():
        console.answer(row)
    if not found:
        console.line("nothing to remove")
    else:
        told = "removed" if yes else "would go; nothing was removed: inv clean --yes does it"
        console.line(f"{len(found)} things, {_size(_whole(found))} {told}")
    return 0


def _found(now: datetime) -> list[Waste]:
    import docker

    with reaching_engine("reach the Docker Engine"):
        engine = docker.from_env()
    return [*old_images.find(engine, now), *old_files.find(ROOT, now)]


def _rows(found: Sequence[Waste]) -> list[tuple[str, ...]]:
    """At most 80 columns; JSON has the names whole."""
    return [
        (w.what if len(w.what) <= _SHOWN else f"{w.what[: _SHOWN - 1]}…", _size(w.size_bytes), w.why) for w in found
    ]


def _whole(found: Sequence[Waste]) -> int:
    return sum(waste.size_bytes for waste in found)


def _size(size_bytes: int) -> str:
    """In MB; less than that says so.

    >>> _size(0), _size(1_000), _size(74_500_000)
    ('-', '<1 MB', '74 MB')
    """
    if not size_bytes:
        return "-"
    return f"{size_bytes / 1e6:.0f} MB" if size_bytes >= 1e6 else "<1 MB"
