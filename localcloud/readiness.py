"""Whether a cloud is ready: its own word, asked over HTTP, and the container's last lines when it has none."""

import http.client
import json
import time
from typing import Any

from localcloud.engine import FULL, disk_full
from localcloud.errors import CloudError, NotReady
from localcloud.names import STATUS_PATH
from localcloud.ports import LOOPBACK

TIMEOUT_S = 90.0
FIRST_S, LONGEST_S = 0.05, 0.5
ANSWER_S = 5.0
AT_ONCE_S = 1.0
LAST_LINES = 5


def failure(port: int) -> str:
    """Why the cloud on PORT is not ready; empty when it is."""
    answer = _status_page(port, ANSWER_S)
    if answer is None:
        return f"nothing answers at {LOOPBACK}:{port}"
    status, text = answer
    if status == http.client.OK:
        return ""
    try:
        return str(json.loads(text)["failure"])
    except (ValueError, KeyError, TypeError):
        return f"{LOOPBACK}:{port} answers {status}"


def name(port: int) -> str:
    """What the cloud on PORT calls itself; empty when it does not answer at once, or is none."""
    answer = _status_page(port, AT_ONCE_S)
    try:
        return str(json.loads(answer[1])["name"]) if answer else ""
    except (ValueError, KeyError, TypeError):
        return ""


def _status_page(port: int, timeout_s: float) -> tuple[int, bytes] | None:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=timeout_s)
    try:
        connection.request("GET", STATUS_PATH)
        answer = connection.getresponse()
        return answer.status, answer.read()
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def wait(container: Any, port: int, attempted: str, timeout_s: float = TIMEOUT_S) -> None:
    """Return when the cloud in CONTAINER is ready. Raises NotReady or DiskFull, at once when it has ended."""
    deadline, pause = time.monotonic() + timeout_s, FIRST_S
    while seen := failure(port):
        if FULL in seen.lower():
            raise disk_full(attempted, seen)
        container.reload()
        if container.status != "running" or time.monotonic() > deadline:
            raise _verdict(container, attempted, seen, timeout_s)
        time.sleep(pause)
        pause = min(pause * 1.5, LONGEST_S)


def _verdict(container: Any, attempted: str, seen: str, timeout_s: float) -> CloudError:
    said = container.logs(tail=50).decode(errors="replace")
    if FULL in said.lower():
        return disk_full(attempted, "no space left on device, says the cloud's log")
    last = " | ".join(said.strip().splitlines()[-LAST_LINES:])
    if container.status != "running":
        code = container.attrs["State"]["ExitCode"]
        seen = f"its container is {container.status} with exit code {code}; it said: {last}"
    else:
        seen = f"not ready after {timeout_s:.0f} s: {seen}"
    return NotReady(attempted, seen, f"`docker logs {container.name}` shows more")
