"""Network sandboxes: tiny containers that do nothing but hold a network namespace for others to join.

To make a namespace and wire it to a network is two thirds of what it takes to start a container (measured with Docker
20.10: 230 ms on a network of its own, 86 ms without). So a few are kept ready, and who takes one does not wait. They
are replaced a moment later, when whoever took them has had the processors to itself.
"""

import logging
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

log = logging.getLogger("localcloud.sandbox")

SPARES = 2
REFILL_S = 3.0  # after the last one was taken
AFTER_FAILURE_S = 1.0
END_S = 10.0
SPARE_NAME = "ministack-ecs-spare-"

Network = tuple[str, tuple[tuple[str, str], ...]]
"""The network's name, and the further lines of /etc/hosts (name, address), which the containers of a sandbox share."""


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A running sandbox: the container's full id, and its address in the network."""

    id: str
    address: str


class SandboxPool:
    """Makes and removes sandboxes, and keeps SPARES of them ready in the network HOME.

    DOCKER gives the engine's client, OPTIONS what every container of the cloud is made with (image, labels). ENDED is
    called with the id of a sandbox that was taken and ended without being dropped.
    """

    def __init__(
        self,
        docker: Callable[[], Any],
        options: Callable[[], Mapping[str, Any]],
        home: str,
        ended: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._docker = docker
        self._options = options
        self._home: Network = (home, ())
        self._ended = ended
        self._clock = clock
        self._lock = threading.Lock()
        self._making = threading.Lock()
        self._ending = threading.Event()
        self._spares: list[Sandbox] = []
        self._taken: set[str] = set()
        self._doomed: set[str] = set()
        self._unnamed: dict[str, str] = {}
        self._due_at: float | None = None  # until the first was taken there is no need for spares

    def take(self, network: Network, name: str) -> Sandbox:
        """A sandbox in NETWORK: a spare that still runs, or a new one. Raises what the Docker SDK raises.

        A spare gets the container name NAME before it is replaced, so what is not called a spare is somebody's.
        """
        self._due_at = self._clock() + REFILL_S
        while network == self._home and (spare := self._spare()):
            if self._runs(spare):
                with self._lock:
                    self._unnamed[spare.id] = name
                return spare
            self.drop(spare.id)
        made = self._make(network, name)
        with self._lock:
            self._taken.add(made.id)
        self._follow(made)
        return made

    def drop(self, identifier: str) -> None:
        """Remove the sandbox of that id; an engine that cannot do it now is asked again later."""
        with self._lock:
            self._taken.discard(identifier)
            self._doomed.add(identifier)
        self._bury(identifier)

    def tend(self) -> None:
        """Do what is due: remove what could not be removed before, and make at most one spare."""
        for identifier in tuple(self._doomed):
            self._bury(identifier)
        with self._making:
            due = self._due_at is not None and self._clock() >= self._due_at
            if due and len(self._spares) < SPARES and not self._ending.is_set():
                self._due_at = self._clock() + REFILL_S  # if this one fails; a success needs no pause
                self._name()
                spare = self._make(self._home, f"{SPARE_NAME}{secrets.token_hex(4)}")
                with self._lock:
                    self._spares.append(spare)
                self._follow(spare)
                self._due_at = min(self._due_at, self._clock())

    def end(self) -> None:
        """Make no more spares, and take the end of a sandbox for granted; waits for the spare that is in the making."""
        self._ending.set()
        if self._making.acquire(timeout=END_S):
            self._making.release()

    @property
    def ending(self) -> threading.Event:
        """Set once ``end`` was called."""
        return self._ending

    def _spare(self) -> Sandbox | None:
        with self._lock:
            if not self._spares:
                return None
            self._taken.add(self._spares[0].id)
            return self._spares.pop(0)

    def _runs(self, spare: Sandbox) -> bool:
        from docker.errors import NotFound

        try:
            return bool(self._docker().api.inspect_container(spare.id)["State"]["Running"])
        except NotFound:
            return False

    def _name(self) -> None:
        from docker.errors import NotFound

        with self._lock:
            unnamed, self._unnamed = self._unnamed, {}
        for identifier, name in unnamed.items():
            with suppress(NotFound):  # its task is over already
                self._docker().api.rename(identifier, name)

    def _make(self, network: Network, name: str) -> Sandbox:
        client, (where, hosts) = self._docker(), network
        container = client.containers.create(
            **self._options(),
            name=name,
            entrypoint=["sleep"],
            command=["infinity"],
            network=where,
            extra_hosts=dict(hosts),
            user="65534:65534",
            read_only=True,
            cap_drop=["ALL"],
            security_opt=["no-new-privileges"],
            healthcheck={"test": ["NONE"]},
            stop_signal="SIGKILL",  # a process of that number 1 ignores SIGTERM
            log_config={"type": "none"},
        )
        try:
            container.start()
            container.reload()
            sandbox = Sandbox(container.id, container.attrs["NetworkSettings"]["Networks"][where]["IPAddress"])
        except BaseException:
            self.drop(container.id)
            raise
        return sandbox

    def _bury(self, identifier: str) -> None:
        from docker.errors import DockerException, NotFound
        from requests.exceptions import RequestException

        try:
            self._docker().api.remove_container(identifier, force=True)
        except NotFound:
            pass
        except (DockerException, RequestException) as error:
            log.warning("sandbox %s could not be removed: %s", identifier[:12], error)
            return
        with self._lock:
            self._doomed.discard(identifier)

    def _follow(self, sandbox: Sandbox) -> None:
        threading.Thread(target=self._watch, args=(sandbox,), daemon=True, name="localcloud-sandbox").start()

    def _watch(self, sandbox: Sandbox) -> None:
        """Wait for the end of SANDBOX, whoever brings it about."""
        from docker.errors import DockerException, NotFound
        from requests.exceptions import RequestException

        while not self._ending.is_set():
            try:
                self._docker().api.wait(sandbox.id, timeout=None)
            except NotFound:
                pass
            except (DockerException, RequestException):  # the engine restarts: the sandbox may still run
                time.sleep(AFTER_FAILURE_S)
                continue
            if not self._ending.is_set():
                self._over(sandbox)
            return

    def _over(self, sandbox: Sandbox) -> None:
        with self._lock:
            taken, spare = sandbox.id in self._taken, sandbox in self._spares
            if spare:
                self._spares.remove(sandbox)
                self._due_at = self._clock() + REFILL_S
        try:
            if taken:
                self._ended(sandbox.id)
        finally:
            if taken or spare:
                self.drop(sandbox.id)
