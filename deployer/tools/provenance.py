"""Who made an image: the last commit that changed what it is built from. Its labels say so.

The commit that is released would do as well for a reader, but then an image nobody touched would be another one at
every commit, and a machine that built it earlier would hold another one than a machine that builds it now. Two full
clones agree. A shallow clone cannot see that far: there the oldest commit it has is taken for the one that changed it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from deployer.tools.git import Git

DIRTY = "-dirty"


@dataclass(frozen=True, slots=True)
class Provenance:
    """`revision` is a commit's SHA, with "-dirty" when files differ from it; `created` is that commit's time."""

    revision: str
    created: datetime

    @property
    def epoch(self) -> int:
        """`created` in seconds since 1970, as SOURCE_DATE_EPOCH wants it."""
        return int(self.created.timestamp())

    @property
    def labels(self) -> Mapping[str, str]:
        """Image labels of the OCI image specification (annotations.md)."""
        return {
            "org.opencontainers.image.created": f"{self.created.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
            "org.opencontainers.image.revision": self.revision,
        }


def of(root: Path, sources: Sequence[str], environ: Mapping[str, str], otherwise: Provenance) -> Provenance:
    """Return the provenance of the files under `sources`; `otherwise` while no commit has any of them."""
    git = Git(root, environ)
    changed = git.last_change(sources)
    revision, created = (changed.sha, changed.committed_at) if changed else (otherwise.revision, otherwise.created)
    return Provenance(f"{revision}{DIRTY if git.dirty(sources) else ''}", created)
