"""Save the cloud's state while it runs: MiniStack saves when it stops, and a killed process does not stop.

What changed is written within about a second, each service to a file of its own, whole or not at all. S3 objects and
image layers are files already; databases have volumes.
"""

import json
import logging
import threading
import time
import zlib
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

log = logging.getLogger("localcloud.state")

PERIOD_S = 0.25
GATHER_S = 0.6  # changes come in bursts, whose later requests would wait for the first one's save
UNASKED_S = 10.0  # some state changes without a request (logs): looked at this often
PAUSE = 10  # after a save that took t, nothing is saved for 10 t: saving takes at most a tenth of the time
COSTLY_S, COSTLY_PAUSE = 0.05, 40  # a service that takes longer waits longer, so that the others need not
TRIES = 3
REMEMBERED_S = 3600.0
RESTARTED = "The local cloud was restarted"


class StateSaver:
    """Writes the state of MiniStack's services when something changed; SERVICES gives name -> function."""

    def __init__(self, persistence: Any, services: Callable[[], dict[str, Callable[[], Any]]]) -> None:
        self._persistence = persistence
        self._services = services
        self._dirty = threading.Event()
        self._stopped = threading.Event()
        self._written: dict[str, int] = {}
        self._due: dict[str, float] = {}
        self._saving = False
        self.failure = ""

    def touch(self) -> None:
        """Something may have changed."""
        self._dirty.set()

    def start(self) -> None:
        """Start the thread; it lives until ``stop``."""
        threading.Thread(target=self._run, daemon=True, name="localcloud-state").start()

    def stop(self) -> None:
        """MiniStack itself saves now, and what follows is its shutdown, which nobody wants to come back to."""
        self._stopped.set()

    @property
    def saved(self) -> bool:
        """Whether everything that was touched has been written."""
        return not self._dirty.is_set() and not self._saving

    def _run(self) -> None:
        pause = PERIOD_S
        while not self._stopped.wait(pause):
            if self._dirty.wait(UNASKED_S) and self._stopped.wait(GATHER_S):
                return
            started = time.monotonic()
            self.save()
            pause = max(PERIOD_S, PAUSE * (time.monotonic() - started))

    def save(self) -> None:
        """Write every service whose state differs from what was written last."""
        failure, self._saving = "", True
        self._dirty.clear()
        for name, get_state in self._services().items():
            started = time.monotonic()
            if started < self._due.get(name, 0.0):
                self._dirty.set()
                continue
            try:
                self._save(name, get_state)
            except Exception as error:
                failure = f"the state of {name} could not be saved: {error}"
                log.exception("the state of %s could not be saved; trying again", name)
                self._dirty.set()
            cost_s = time.monotonic() - started
            self._due[name] = time.monotonic() + (COSTLY_PAUSE * cost_s if cost_s > COSTLY_S else 0.0)
        self.failure, self._saving = failure, False

    def _save(self, name: str, get_state: Callable[[], Any]) -> None:
        text = self._text(name, get_state)
        if text is None or self._stopped.is_set():
            return
        mark = zlib.crc32(text.encode())
        if self._written.get(name) != mark:
            path = Path(self._persistence.STATE_DIR) / f"{name}.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            partial = path.with_suffix(".partial")
            partial.write_text(text)
            partial.replace(path)
            self._written[name] = mark

    def _text(self, name: str, get_state: Callable[[], Any]) -> str | None:
        """The file's content, in MiniStack's own format so that it reads it; None for a service without state."""
        persistence = self._persistence
        for attempt in range(TRIES):
            try:
                state = get_state()
                if state is None:
                    return None
                whole = {"__ministack_format__": persistence._state_format_version(name), "payload": state}
                return json.dumps(whole, default=persistence._json_default)
            except RuntimeError:  # a dictionary changed while it was read
                if attempt == TRIES - 1:
                    raise
        return None


def after_restore(ecs: Any, alb: Any, elasticache: Any) -> None:
    """Correct what MiniStack brings back wrong: addresses of tasks that are gone, and tasks stopped for no reason.

    Caches come back here and not at the first request, and a replication group's members without a server of their own.
    """
    for (account, _, _), service in ecs._services.all_items():
        for arn, addresses in service.pop("_published_targets", {}).items():
            key = (account, arn)
            alb._targets._data[key] = [one for one in alb._targets._data.get(key, ()) if one["Id"] not in addresses]
    for _, task in ecs._tasks.all_items():
        if not task.get("stoppedAt"):
            task |= {"desiredStatus": "STOPPED", "stoppedAt": ecs._iso(), "stoppedReason": RESTARTED}
            task["stopCode"] = "TerminationNotice"
    forget_ended(ecs)
    for account, region, name in list(elasticache._pending_cluster_respawn):
        if (elasticache._clusters.get_scoped(account, region, name) or {}).get("ReplicationGroupId"):
            elasticache._pending_cluster_respawn.discard((account, region, name))
    elasticache._ensure_live_containers()


def forget_ended(ecs: Any) -> None:
    """Drop the tasks that ended more than an hour ago, as AWS does: who lists or saves tasks reads all of them."""
    for key, task in ecs._tasks.all_items():
        ended = task.get("stoppedAt")
        if ended and datetime.fromisoformat(ended).timestamp() < time.time() - REMEMBERED_S:
            ecs._tasks._data.pop(key, None)
