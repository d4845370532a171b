"""Keep the last lines of each log stream, not all of them.

MiniStack keeps every line twice, in memory and in its state file, and writes the whole file again when one is added.
After minutes of load that were 256 MB (measured); writing them held the process for seconds, health checks in the same
process timed out, and tasks that worked were replaced. AWS keeps what the group's retention says.
"""

from typing import Any

from localcloud.extension.emulator import replace

MOST_LINES = 1000
SLACK = 250  # cut off in portions: to shorten a long list costs as much as to copy it


def install(logs: Any) -> None:
    """Take the appending of lines in our hands; LOGS is MiniStack's CloudWatch Logs module."""

    def append(stream: dict[str, Any], events: list[dict[str, Any]]) -> None:
        before(stream, events)
        for event in events:  # the second copy, for GetLogRecord, which nobody here asks for
            logs._log_records.pop(event.get("eventId", ""), None)
        with logs._log_events_lock:
            if len(stream["events"]) > MOST_LINES + SLACK:
                stream["events"] = stream["events"][-MOST_LINES:]

    before = replace(logs, "_append_log_events", append)
