"""Keep HAProxy in step with the ELBv2 state and the health of the targets.

One thread looks at the state ten times a second, when a health check is due, and at once when it is woken. A target's
server slot is ``ready`` when the target is healthy, ``drain`` from its deregistration until nothing is in flight or the
delay is over, else ``maint``. What HAProxy was told is remembered per worker, so only differences are sent.
"""

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

from localcloud.extension import haproxy_config as config
from localcloud.extension.elb import State, Target
from localcloud.extension.haproxy import HAProxy, HAProxyError, Worker
from localcloud.extension.health import HealthBook, TargetHealth
from localcloud.extension.slots import SlotTable

log = logging.getLogger("localcloud.dataplane")

PERIOD_S = 0.1
AFTER_FAILURE_S = 1.0

Told = dict[str, str]


class DataPlane:
    """The load balancers of this cloud: HAProxy, the health of its targets, and the thread that joins them."""

    def __init__(self, read: Callable[[], State], proxy: HAProxy) -> None:
        self._read = read
        self._proxy = proxy
        self._wake = threading.Event()
        self._news = threading.Event()
        self._served: frozenset[tuple[str, Target]] = frozenset()
        self._turns = threading.Condition()
        self._turn = 0
        self.health = HealthBook(self._wake.set)
        self._slots = SlotTable()
        self._structure: str | None = None
        self._told: dict[int, Told] = {}
        self._state = State((), ())
        self.failure = ""

    def start(self) -> None:
        """Start the thread; it lives as long as the process."""
        threading.Thread(target=self._run, daemon=True, name="localcloud-dataplane").start()

    def wake(self) -> None:
        """The state may have changed: look at once."""
        self._wake.set()

    def serves(self, arn: str, target: Target) -> bool:
        """Whether HAProxy has been told to send requests to TARGET of the target group of that ARN."""
        return (arn, target) in self._served

    def await_news(self, timeout_s: float) -> None:
        """Return when other targets are served than at the last call, or after TIMEOUT_S. For one thread only."""
        self._news.wait(timeout_s)
        self._news.clear()

    def settle(self, timeout_s: float = 5.0) -> bool:
        """Wait until a turn that began after this call is over; False when that took longer than TIMEOUT_S."""
        with self._turns:
            goal = self._turn + 2  # the turn under way may have read the state before the caller changed it
            self._wake.set()
            return self._turns.wait_for(lambda: self._turn >= goal or self._rewake(), timeout_s)

    def _rewake(self) -> bool:
        self._wake.set()
        return False

    @property
    def state(self) -> State:
        """The load balancers as the last turn saw them."""
        return self._state

    def health_of(self, arn: str, target: Target) -> TargetHealth:
        """The health of TARGET in the target group of that ARN, ``initial`` until the next turn has seen it."""
        group = self._state.group(arn)
        return self.health.of(group, target) if group and target in group.targets else TargetHealth()

    def draining(self, arn: str) -> list[Target]:
        """The deregistered targets of a group that still finish requests."""
        return self._slots.draining(arn)

    def busy(self, host: str) -> bool:
        """Whether any target at HOST is still registered or draining."""
        return self._slots.busy(host)

    def _run(self) -> None:
        while True:
            self._wake.wait(max(0.0, min(PERIOD_S, self.health.due_in_s())))
            self._wake.clear()
            try:
                self._sync()
                self.failure = ""
            except Exception as error:
                self.failure = str(error)
                log.exception("the load balancers could not be brought up to date; trying again")
                self._structure = None
                time.sleep(AFTER_FAILURE_S)
            with self._turns:
                self._turn += 1
                self._turns.notify_all()

    def _sync(self) -> None:
        state = self._state = self._read()
        self.health.tick(state)
        flying = self._proxy.in_flight() if self._slots.any_draining() and self._told else {}
        self._slots.update(state, self.health, flying)
        sizes = self._slots.sizes()
        bodies = sorted(config.bodies(state).items())
        structure = config.render(state, {}, str(self._proxy.folder), sizes) + repr(bodies)
        if structure != self._structure or not self._proxy.alive():
            self._reconfigure(state, structure)
        self._tell(self._wanted(state))
        served = self._slots.serving()
        if served != self._served:
            self._served = served
            self._news.set()

    def _reconfigure(self, state: State, structure: str) -> None:
        folder = self._proxy.folder
        lines = (f"{key} {value}\n" for key, value in sorted(config.weights(state).items()))
        _write(folder / "weights.map", "".join(lines))
        for name, body in config.bodies(state).items():
            _write(folder / name, body)
        text = config.render(state, self._slots.rendered(), str(folder), self._slots.sizes())
        self._proxy.apply(text)
        self._structure = structure
        wanted = self._wanted(state)
        running = self._proxy.workers()
        self._told = {worker.pid: self._told.get(worker.pid, {}) if worker.old else dict(wanted) for worker in running}

    def _wanted(self, state: State) -> Told:
        """Runtime commands by what they set: a worker whose memory differs is told again."""
        folder = self._proxy.folder
        shares = config.weights(state).items()
        wanted = {f"map {name}": f"set map {folder}/weights.map {name} {value}" for name, value in shares}
        for arn, slots in self._slots.rendered().items():
            for index, slot in slots.items():
                server = f"{config.backend(arn)}/s{index}"
                address = f"set server {server} addr {slot.target.host} port {slot.target.port}"
                wanted[server] = f"{address}; set server {server} state {slot.mode}"
        for arn, index in self._slots.vacant():
            name = f"{config.backend(arn)}/s{index}"
            wanted[name] = f"set server {name} state maint"
        return wanted

    def _tell(self, wanted: Told) -> None:
        stale = [pid for pid, told in self._told.items() if told != wanted]
        if not stale:
            return
        workers = self._proxy.workers()
        for worker in workers:
            told = self._told.get(worker.pid, {})
            if told != wanted:
                self._tell_worker(worker, [wanted[key] for key in wanted if told.get(key) != wanted[key]])
        self._told = {worker.pid: dict(wanted) for worker in workers}

    def _tell_worker(self, worker: Worker, lines: list[str]) -> None:
        commands = [part for line in lines for part in line.split("; ")]
        answer = self._proxy.run(worker, commands)
        refused = [line for line in answer.splitlines() if "No such" in line or "nknown" in line or "nvalid" in line]
        if refused and not worker.old:  # an old worker may lack what came with the last reload
            raise HAProxyError(f"HAProxy refused a runtime change: {refused[0]}")


def _write(path: Path, text: str) -> None:
    if not path.exists() or path.read_text() != text:
        path.write_text(text)
