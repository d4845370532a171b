"""The journal: every call that changes an environment is written down before and after it is made.

    intent ── conditional write ──> lease checked ──> the call ──> what was seen ── conditional write

Strategies and stages know nothing of the steps: `journalled` has what stands before the ports. A run that stood
still past its lease (stopped, asleep) fails at the intent of its next call, since whoever holds the lease now has
written a page with a higher fencing number: it changes nothing any more. What was seen is told by the next intent too,
so it may be lost on the way; an intent may not, unless something is being put back: visitors first, history second.
Then each write is one short attempt, and the lease alone can refuse the call where S3 does not answer.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from enum import StrEnum

from deployer.errors import DeployError, StateUncertain
from deployer.journal_page import Entry, Page
from deployer.model import Color, Revision, Verdict
from deployer.ports import Clock, JournalStore, Lease


class Point(StrEnum):
    """Where a run can be cut off within a step."""

    BEFORE_CALL = "before the call"
    AFTER_CALL = "after the call, before the journal"
    AFTER_JOURNAL = "after the journal"


def passed(step: int, point: Point) -> None:
    """Mark that a run has come this far. Nothing happens here; a test that cuts runs off puts itself in its place."""


class Journal:
    """Fills ports.Journal: keeps the page of this run and writes it whole, so that one object holds all of it."""

    def __init__(self, store: JournalStore, lease: Lease, clock: Clock) -> None:
        self._store = store
        self._lease = lease
        self._clock = clock
        self._lock = threading.RLock()
        self._page: Page | None = None

    @property
    def page(self) -> Page | None:
        """The page of this run, None before it has begun and after its end."""
        return self._page

    def read(self) -> Page | None:
        """The last page there is, whoever wrote it."""
        return self._store.read()

    def begin(self, page: Page) -> None:
        """Open the page of this run. Raises StateUncertain when somebody with a higher fencing number has begun."""
        with self._lock:
            self._store.write(page)
            self._page = page

    def end(self, outcome: Verdict | None, exit_code: int, reason: str = "") -> None:
        """Close the page, if there is one."""
        with self._lock:
            if self._page is not None:
                ended = replace(self._page, outcome=outcome, exit_code=exit_code, reason=reason)
                self._store.write(replace(ended, ended_at=self._lease.now()))
                self._page = None

    def proven(self) -> None:
        """Note that the release has passed its last proof: a run cut off from here on is finished, not undone."""
        with self._lock:
            if self._page is not None:
                self._change(replace(self._page, proven=True))

    def saw(self, revision: Revision) -> None:
        """Note what ran before this run's first change of it; written with the next step."""
        with self._lock:
            if self._page is not None:
                self._page = self._page.saw(revision)

    def saw_weights(self, weights: Mapping[Color, int]) -> None:
        """Note the split before this run's first change; written with the next step."""
        with self._lock:
            if self._page is not None and not self._page.weights:
                self._page = replace(self._page, weights=dict(weights))

    @contextmanager
    def step(self, call: str, intent: str, color: Color | None = None) -> Iterator[None]:
        """Write the intent, let the call be made, write what was seen. Raises StateUncertain when the lease is lost.

        Before a page has begun only the lease is looked at: then it is not held, and nothing may be changed.
        """
        number = self._intend(call, intent, color)
        self._lease.check()
        passed(number, Point.BEFORE_CALL)
        try:
            yield
        except DeployError as error:
            self._saw(number, f"failed: {error.seen}")
            raise
        passed(number, Point.AFTER_CALL)
        self._saw(number, "done")
        passed(number, Point.AFTER_JOURNAL)

    def _intend(self, call: str, intent: str, color: Color | None) -> int:
        with self._lock:
            if self._page is None:
                return 0
            number = len(self._page.entries) + 1
            entry = Entry(number, call, intent, self._lease.now())
            page = replace(self._page, color=color or self._page.color, entries=(*self._page.entries, entry))
            before = self._page
            try:
                self._change(page)
            except DeployError as error:
                # Somebody else's page is no trouble with S3: then the environment is theirs.
                if not self._clock.shielded or isinstance(error, StateUncertain):
                    self._page = before
                    raise
            return number

    def _saw(self, number: int, observed: str) -> None:
        """Write down what was seen. When that fails the call was made all the same: the next write tells of it."""
        with self._lock:
            if self._page is None:
                return
            ended = replace(self._page.entries[number - 1], observed=observed, ended_at=self._lease.now())
            entries = (*self._page.entries[: number - 1], ended, *self._page.entries[number:])
            try:
                self._change(replace(self._page, entries=entries))
            except DeployError:
                return

    def _change(self, page: Page) -> None:
        self._page = page
        self._store.write(page, once=self._clock.shielded)
