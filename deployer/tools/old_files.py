"""Files under a checkout's .cache that nobody uses any more. The rule is in `waste`.

Everything there can be made again, so the folder may also be deleted as a whole while nothing runs.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from deployer.tools.git import Git
from deployer.tools.waste import UNUSED_FOR, Waste

_PATTERNS = ("site-packages/*", "contexts/*", "logs/*", "gates/*/*", "terraform/**/plans/*", "base-*")
"""What may be old, under .cache: an image's Python packages, its staged files, logs, records of passed checks, saved
Terraform plans, half-made base images."""
_KEPT = frozenset({"lock", "local"})
"""Not waste however old: a lock that a process may wait on, the folder that local commands log into."""


def find(root: Path, now: datetime) -> list[Waste]:
    """Return what goes from the checkout at `root`."""
    cache = root / ".cache"
    found = [*_worktrees(root)]
    for pattern in _PATTERNS:
        for path in sorted(cache.glob(pattern)):
            used_at = _used_at(path)
            if path.name not in _KEPT and not path.is_symlink() and now - used_at > UNUSED_FOR:
                why = f"last used {used_at:%Y-%m-%d}"
                found.append(Waste(str(path.relative_to(root)), _size(path), why, _Remove(path)))
    return found


def _worktrees(root: Path) -> Iterator[Waste]:
    """Trees of `--ref` runs are called after their process: the run of one whose process is gone was killed."""
    for path in sorted((root / ".cache" / "worktrees").glob("*")):
        process = re.search(r"-(\d+)$", path.name)
        if process and not _runs(int(process[1])):
            yield Waste(
                f".cache/worktrees/{path.name}",
                _size(path),
                "its run was killed",
                partial(Git(root).forget, path),
            )


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _used_at(path: Path) -> datetime:
    """When it or anything right inside it last changed. By ctime: what is staged has its mtime set to 1980."""
    inside = path.iterdir() if path.is_dir() and not path.is_symlink() else ()
    return datetime.fromtimestamp(max(entry.lstat().st_ctime for entry in (path, *inside)), UTC)


def _size(path: Path) -> int:
    """Bytes on disk; a file with another hard link stays with that one and counts for nothing."""
    files = path.rglob("*") if path.is_dir() else (path,)
    stats = [file.lstat() for file in files if not file.is_dir()]
    return sum(stat.st_blocks * 512 for stat in stats if stat.st_nlink == 1)


@dataclass(frozen=True, slots=True)
class _Remove:
    path: Path

    def __call__(self) -> None:
        """Remove it; another `inv clean` may have been quicker."""
        if self.path.is_dir():
            shutil.rmtree(self.path, ignore_errors=True)
        else:
            self.path.unlink(missing_ok=True)
