"""What the journal says: which run changes an environment, what it found there, and each call it makes. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from deployer.model import Color, Release, Revision, Verdict


@dataclass(frozen=True, slots=True)
class Entry:
    """One call that changes something: what it is to bring about, and what was seen of it ("" while nobody knows)."""

    step: int
    call: str
    intent: str
    began_at: datetime
    observed: str = ""
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """What ECS said ran in one color of one service before the run changed anything."""

    service: str
    color: Color
    task_definition: str | None
    release: str
    desired: int


@dataclass(frozen=True, slots=True)
class Page:
    """The journal of one run: the last one that held the environment. History and intent, never the truth.

    `kind` is `deploy`, `rollback` or `reconcile`; a recovery keeps what the dead run had found, `recovers` names its
    release. `weights` and `revisions` are what was there before, empty as long as nothing was read. `proven` says that
    the release passed its last proof. `reason` says why it ended as it did; until then, what had to be put right first.
    An open page (`ended_at` None) whose run is gone was cut off. `damage` says why an object could not be read; such a
    page knows its `fencing` at most.
    """

    release: str
    kind: str
    actor: str
    fencing: int
    began_at: datetime
    commit: str = ""
    restores: str = ""
    recovers: str = ""
    color: Color | None = None
    weights: Mapping[Color, int] = field(default_factory=dict)
    revisions: tuple[Found, ...] = ()
    entries: tuple[Entry, ...] = ()
    proven: bool = False
    outcome: Verdict | None = None
    exit_code: int | None = None
    reason: str = ""
    ended_at: datetime | None = None
    damage: str = ""

    @classmethod
    def of(cls, release: Release, fencing: int, began_at: datetime, kind: str = "") -> Page:
        """The first page of a run."""
        return cls(
            release.id,
            kind or release.kind,
            release.actor,
            fencing,
            began_at,
            commit=release.commit,
            restores=release.restores,
        )

    @property
    def open(self) -> bool:
        """Whether its run has not come to an end that it could tell of."""
        return self.ended_at is None

    @property
    def unsettled(self) -> bool:
        """Whether its run, if it is gone, may have left something that has to be put right."""
        return bool(self.damage) or (self.open and bool(self.entries or self.recovers))

    @property
    def dead(self) -> str:
        """The release whose run was cut off, however often its recovery was."""
        return self.recovers or self.release

    @property
    def last(self) -> str:
        """What was being done when it was last heard of."""
        return self.entries[-1].intent if self.entries else "before its first change"

    def saw(self, revision: Revision) -> Page:
        """The page that also knows what ran here before; only the first look counts."""
        if any((f.service, f.color) == (revision.service, revision.color) for f in self.revisions):
            return self
        seen = Found(revision.service, revision.color, revision.task_definition, revision.release, revision.desired)
        return replace(self, revisions=(*self.revisions, seen))
