"""Keep the last lines of each log stream, not all of them, and fewer of streams that others have followed.

MiniStack keeps every line twice, in memory and in its state file, and writes the whole file again when one is added.
After minutes of load that were 256 MB (measured); writing them held the process for seconds, health checks in the same
process timed out, and tasks that worked were replaced. Forty releases later it was 7 MB, of tasks long gone, and held
every other release for a tenth of a second. AWS keeps what the group's retention says.
"""

from collections.abc import Iterable
from typing import Any

from localcloud.extension.emulator import replace

MOST_LINES = 1000
SLACK = 250  # cut off in portions: to shorten a long list costs as much as to copy it
WHOLE = 6  # streams of each group, those written last
OLD_LINES = 50  # of each of the others: more than anybody prints of a task that ended


def install(logs: Any) -> None:
    """Take the appending of lines in our hands; LOGS is MiniStack's CloudWatch Logs module."""

    def append(stream: dict[str, Any], events: list[dict[str, Any]]) -> None:
        new = not stream["events"]
        before(stream, events)
        for event in events:  # the second copy, for GetLogRecord, which nobody here asks for
            logs._log_records.pop(event.get("eventId", ""), None)
        with logs._log_events_lock:
            if len(stream["events"]) > MOST_LINES + SLACK:
                stream["events"] = stream["events"][-MOST_LINES:]
            if new:
                shorten(group["streams"].values() for _, group in logs._log_groups.all_items())

    before = replace(logs, "_append_log_events", append)


def shorten(groups: Iterable[Iterable[dict[str, Any]]]) -> None:
    """Leave the last lines alone of every stream but the WHOLE ones of its group that were written last."""
    for streams in groups:
        by_age = sorted(streams, key=lambda stream: stream["lastEventTimestamp"] or 0)
        for old in by_age[:-WHOLE]:
            old["events"] = old["events"][-OLD_LINES:]
