"""Log groups as one stream: in order of time, page by page, nothing twice, groups that are not there yet."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from deployer.aws.log_events import LATE, LogEvents, LogLine
from deployer.errors import NotAllowed
from tests.examples import NOW
from tests.fakes import FakeClock

GROUPS = {"backend": "/indivillage/dev/backend", "frontend": "/indivillage/dev/frontend"}


class Logs:
    """CloudWatch with these events: (group, seconds after NOW, message). One event a page."""

    def __init__(self, *events: tuple[str, float, str]) -> None:
        self.events = list(events)
        self.asked: list[int] = []
        self.refusing: dict[str, str] = {}

    def get_paginator(self, _: str) -> Logs:
        return self

    def paginate(self, *, logGroupName: str, startTime: int) -> Iterator[dict[str, Any]]:  # noqa: N803 - AWS's names
        self.asked.append(startTime)
        if code := self.refusing.get(logGroupName):
            raise ClientError({"Error": {"Code": code}}, "FilterLogEvents")
        for number, (group, second, message) in enumerate(self.events):
            at = int((NOW + timedelta(seconds=second)).timestamp() * 1000)
            if group == logGroupName.rpartition("/")[2] and at >= startTime:
                stream = f"blue/{group}/1"
                event = {"timestamp": at, "message": f"{message}\n", "logStreamName": stream, "eventId": str(number)}
                yield {"events": [event]}


def reader(logs: Logs, clock: FakeClock | None = None) -> LogEvents:
    return LogEvents(SimpleNamespace(logs=logs), GROUPS, clock or FakeClock())  # type: ignore[arg-type]


def told(lines: Iterator[LogLine]) -> list[tuple[str, str]]:
    return [(line.service, line.message) for line in lines]


def test_services_are_merged_by_time() -> None:
    """Lines of one moment stay in their order."""
    logs = Logs(("backend", 3, "c"), ("backend", 1, "a"), ("frontend", 2, "b"), ("frontend", 2, "b2"))

    lines = list(reader(logs).since(NOW))

    assert [("backend", "a"), ("frontend", "b"), ("frontend", "b2"), ("backend", "c")] == told(iter(lines))
    assert (NOW + timedelta(seconds=1), "blue/backend/1") == (lines[0].at, lines[0].stream)


def test_only_what_is_asked_for_is_read() -> None:
    """CloudWatch is told where to begin, in milliseconds."""
    logs = Logs(("backend", 1, "old"), ("backend", 9, "new"))

    assert [("backend", "new")] == told(reader(logs).since(NOW + timedelta(seconds=5)))
    assert {int((NOW + timedelta(seconds=5)).timestamp() * 1000)} == set(logs.asked)


def test_a_group_without_a_line_yet_is_empty() -> None:
    """It is made by the first container."""
    logs = Logs(("backend", 1, "a"))
    logs.refusing["/indivillage/dev/frontend"] = "ResourceNotFoundException"

    assert [("backend", "a")] == told(reader(logs).since(NOW))


def test_a_refusal_is_an_error_of_ours() -> None:
    """Not an empty log."""
    logs = Logs()
    logs.refusing["/indivillage/dev/frontend"] = "AccessDeniedException"
    with pytest.raises(NotAllowed):
        list(reader(logs).since(NOW))


def test_following_tells_nothing_twice_and_what_comes_late() -> None:
    """An event may arrive after a younger one."""
    logs, clock = Logs(("backend", 5, "a")), FakeClock()
    following = reader(logs, clock).follow(NOW)
    assert "a" == next(following).message
    logs.events.append(("frontend", 4, "late"))
    logs.events.append(("backend", 6, "b"))

    assert [("frontend", "late"), ("backend", "b")] == told(islice(following, 2))


def test_following_does_not_read_everything_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only as far back as an event may be late."""
    logs, clock = Logs(), FakeClock()
    start: datetime = clock.now()
    passed: list[float] = []

    def wait(seconds: float) -> None:
        FakeClock.wait(clock, seconds)
        passed.append(seconds)
        if len(passed) == 30:
            logs.events.append(("backend", 30, "end"))

    monkeypatch.setattr(clock, "wait", wait)
    assert "end" == next(reader(logs, clock).follow(start)).message

    assert int((clock.now() - LATE).timestamp() * 1000) - max(logs.asked) <= 1000
