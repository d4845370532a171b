"""What the services' containers print: CloudWatch's log groups read as one stream, in order of time."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import TYPE_CHECKING

from deployer.aws.faults import Expected, mapped

if TYPE_CHECKING:
    from deployer.aws.session import Session
    from deployer.ports import Clock

FOLLOW_S = 1.0
LATE = timedelta(seconds=10)
"""How long after the fact an event may show up in CloudWatch: following looks back so far, and tells nothing twice."""


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of one container. `stream` is `<color>/<container>/<task id>`."""

    at: datetime
    service: str
    stream: str
    message: str
    id: str = ""


class LogEvents:
    """Reads `groups` (log group by service). A group that does not exist yet has no lines."""

    def __init__(self, session: Session, groups: Mapping[str, str], clock: Clock) -> None:
        self._session = session
        self._groups = groups
        self._clock = clock

    def since(self, begin: datetime) -> Iterator[LogLine]:
        """Lines from `begin` on, oldest first."""
        with ThreadPoolExecutor(len(self._groups)) as pool:
            of_services = list(pool.map(lambda service: self._read(service, begin), self._groups))
        yield from heapq.merge(*of_services, key=attrgetter("at"))

    def follow(self, begin: datetime) -> Iterator[LogLine]:
        """Lines from `begin` on, and then whatever comes, for ever."""
        told: dict[str, datetime] = {}
        while True:
            for line in self.since(begin):
                if line.id not in told:
                    told[line.id] = line.at
                    yield line
            begin = max(begin, self._clock.now() - LATE)
            told = {known: at for known, at in told.items() if at >= begin}
            self._clock.wait(FOLLOW_S)

    def _read(self, service: str, begin: datetime) -> list[LogLine]:
        group = self._groups[service]
        try:
            with mapped(f"reading the log {group}", expected={"ResourceNotFoundException"}):
                pages = self._session.logs.get_paginator("filter_log_events").paginate(
                    logGroupName=group, startTime=int(begin.timestamp() * 1000)
                )
                found = [event for page in pages for event in page["events"]]
        except Expected:
            return []
        lines = [
            LogLine(
                datetime.fromtimestamp(event["timestamp"] / 1000, UTC),
                service,
                event.get("logStreamName", ""),
                event.get("message", "").rstrip("\n"),
                f"{service} {event.get('eventId', '')}",
            )
            for event in found
        ]
        # CloudWatch interleaves streams, each in its own order; the sort keeps lines of one moment as they came.
        return sorted(lines, key=attrgetter("at"))
