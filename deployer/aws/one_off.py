"""One-off tasks (migrations): run one to its end, stream what it says, believe its exit code."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from deployer.aws.faults import mapped
from deployer.aws.task_definition import log_stream
from deployer.aws.tasks import told
from deployer.errors import DeployError, Interrupted, ReleaseFailed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mypy_boto3_ecs.type_defs import TaskTypeDef

    from deployer.aws.session import Session
    from deployer.aws.tasks import Tasks
    from deployer.model import ServiceTopology, Topology
    from deployer.ports import Clock, Say

POLL_FIRST_S = 0.2
POLL_MOST_S = 2.0
POLL_SLOWER = 1.15
HEARTBEAT_S = 10.0
QUIET_S = 0.6
"""After its end, a log that stays quiet this long has been read to its end."""
LAST_WORDS_S = 3.0


class OneOff:
    """Runs a command in the container of a task definition."""

    def __init__(
        self, session: Session, tasks: Tasks, clock: Clock, topology: Topology, place: ServiceTopology
    ) -> None:
        self._session = session
        self._tasks = tasks
        self._clock = clock
        self._topology = topology
        self._place = place

    def run(self, task_definition: str, command: Sequence[str], timeout_s: float, say: Say) -> None:
        """Run to the end. Raises ReleaseFailed when it exits non-zero, does not start or takes over `timeout_s`.

        A task that is given up, or whose run is interrupted, is stopped first: nobody would watch it.
        """
        attempted = f"running {' '.join(command)} in {self._place.name}"
        task = self._start(task_definition, command, attempted)
        log = _Log(self._tasks, log_stream(self._tasks.definition(task_definition), self._place.name, task), say)
        try:
            ended = self._wait(task, log, timeout_s, attempted, say)
        except (Interrupted, ReleaseFailed):
            with suppress(DeployError), mapped(f"stopping {task}"):
                self._session.ecs.stop_task(
                    cluster=self._topology.cluster, task=task, reason="given up by the deployer"
                )
            raise
        self._read_to_end(log)
        self._judge(ended, attempted)

    def _start(self, task_definition: str, command: Sequence[str], attempted: str) -> str:
        with mapped(attempted):
            answer = self._session.ecs.run_task(
                cluster=self._topology.cluster,
                taskDefinition=task_definition,
                launchType="FARGATE",
                count=1,
                startedBy="deployer",
                networkConfiguration={
                    "awsvpcConfiguration": {
                        "subnets": list(self._topology.subnets),
                        "securityGroups": list(self._place.security_groups),
                        "assignPublicIp": "DISABLED",
                    }
                },
                overrides={"containerOverrides": [{"name": self._place.name, "command": list(command)}]},
            )
        if not answer["tasks"]:
            why = "; ".join(f"{f.get('reason')} {f.get('detail', '')}".strip() for f in answer.get("failures", []))
            raise ReleaseFailed(attempted, why or "ECS started no task", "see the cluster's capacity and the subnets")
        return answer["tasks"][0]["taskArn"]

    def _wait(self, task: str, log: _Log, timeout_s: float, attempted: str, say: Say) -> TaskTypeDef:
        started = said = self._clock.monotonic()
        pause = POLL_FIRST_S
        while True:
            found = self._tasks.described(self._topology.cluster, [task])
            now = self._clock.monotonic()
            if log.read():
                said, pause = now, POLL_FIRST_S
            if found and found[0].get("lastStatus") == "STOPPED":
                return found[0]
            if now - started >= timeout_s:
                raise ReleaseFailed(attempted, f"it has not ended after {timeout_s:.0f} s", details=tuple(log.lines))
            if now - said >= HEARTBEAT_S:
                state = found[0].get("lastStatus", "").lower() if found else "unknown"
                say(f"{self._place.name} task: {state}, {now - started:.0f} s")
                said = now
            self._clock.wait(pause)
            pause = min(POLL_MOST_S, pause * POLL_SLOWER)

    def _read_to_end(self, log: _Log) -> None:
        quiet_since = started = self._clock.monotonic()
        while True:
            self._clock.wait(POLL_FIRST_S)
            now = self._clock.monotonic()
            if log.read():
                quiet_since = now
            patience = QUIET_S if log.lines else LAST_WORDS_S
            if now - quiet_since >= patience or now - started >= 2 * LAST_WORDS_S:
                return

    def _judge(self, ended: TaskTypeDef, attempted: str) -> None:
        codes = [c.get("exitCode") for c in ended.get("containers", []) if c.get("name") == self._place.name]
        if codes == [0] and ended.get("stopCode") in {None, "", "EssentialContainerExited"}:
            return
        stopped = self._tasks.explained([ended], self._place.name)
        seen = f"it ended with exit code {codes[0]}" if codes and codes[0] is not None else "it did not start"
        raise ReleaseFailed(attempted, f"{seen}: {stopped[0].reason}", details=told(stopped))


class _Log:
    """A log stream that is read as it grows."""

    def __init__(self, tasks: Tasks, stream: tuple[str, str] | None, say: Say) -> None:
        self._tasks = tasks
        self._stream = stream
        self._say = say
        self._token = ""
        self.lines: list[str] = []

    def read(self) -> bool:
        """Say what came since the last read; whether anything did."""
        if self._stream is None:
            return False
        fresh, self._token = self._tasks.log_lines(*self._stream, token=self._token, from_head=True)
        self.lines.extend(fresh)
        for line in fresh:
            self._say(line)
        return bool(fresh)
