"""Real processes that want the same environment: one has it, and one that stood still too long changes nothing.

On the local cloud alone: moto lives in one process.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from deployer.aws.journal import S3Journal
from deployer.aws.state_bucket import StateBucket
from deployer.model import Color, Release
from deployer.stages import lock
from tests.contract.aws import writer
from tests.unit.aws import values

if TYPE_CHECKING:
    from deployer.aws.session import Session
    from deployer.journal_page import Page
    from deployer.ports import World

ROOT = Path(__file__).resolve().parents[3]
PATIENCE_S = 120
TTL_S = 3.0
Writer = subprocess.Popen[str]


@pytest.fixture
def ready(local_session: Session) -> Session:
    """Return a session whose state bucket is there."""
    StateBucket(local_session).ensure()
    return local_session


@pytest.fixture
def start(ready: Session) -> Iterator[Callable[[str, float], Writer]]:
    """Start writers; none outlives the test."""
    started: list[Writer] = []

    def one(owner: str, ttl_s: float) -> Writer:
        command = [sys.executable, "-m", "tests.contract.aws.writer", str(ready.endpoint_url)]
        command += [ready.environment.short_name, owner, str(ttl_s)]
        process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        started.append(process)
        return process

    yield one
    for process in started:
        process.kill()
        process.communicate()


def hears(process: Writer) -> str:
    """Read its next line."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


def go(process: Writer) -> None:
    """Let it go on."""
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def weights(session: Session) -> dict[str, int]:
    """What the traffic is; empty while nobody has set it."""
    found = session.s3.list_objects_v2(Bucket=session.environment.state_bucket, Prefix=writer.WEIGHTS_KEY)
    if not found.get("Contents"):
        return {}
    answer = session.s3.get_object(Bucket=session.environment.state_bucket, Key=writer.WEIGHTS_KEY)
    seen: dict[str, int] = json.loads(answer["Body"].read())
    return seen


def page(session: Session) -> Page:
    """What the journal says."""
    found = S3Journal(session).read()
    assert found is not None
    return found


def expired(where: World) -> None:
    """Wait until nobody holds the lease any more."""
    deadline = time.monotonic() + PATIENCE_S
    while where.lease.holder() is not None:
        assert time.monotonic() < deadline, "its lease never expired"
        time.sleep(0.1)


def test_twenty_processes_at_once_give_one_winner(ready: Session, start: Callable[[str, float], Writer]) -> None:
    """The others end with 40 and name it; the traffic is changed once."""
    writers = {f"racer-{number:02}": start(f"racer-{number:02}", 60.0) for number in range(20)}
    assert {"here"} == {hears(process) for process in writers.values()}
    for process in writers.values():
        go(process)
    said = {owner: hears(process) for owner, process in writers.items()}
    (winner,) = (owner for owner, line in said.items() if line == "holds")
    losers = {owner: process for owner, process in writers.items() if owner != winner}

    assert {40} == {process.wait(PATIENCE_S) for process in losers.values()}
    assert [] == [line for owner, line in said.items() if owner != winner and f"{winner} holds it" not in line]
    assert {} == weights(ready)
    go(writers[winner])
    assert (0, "done") == (writers[winner].wait(PATIENCE_S), hears(writers[winner]))
    assert ({"blue": 0, "green": 100}, winner) == (weights(ready), page(ready).actor)


def test_a_process_that_stood_still_past_its_lease_changes_nothing(
    ready: Session, start: Callable[[str, float], Writer], tmp_path: Path
) -> None:
    """SIGSTOP, somebody else's release, SIGCONT: it ends with 21, and what the other one did stays."""
    stopped = start("ana", TTL_S)
    assert "here" == hears(stopped)
    go(stopped)
    assert "holds" == hears(stopped)
    stopped.send_signal(signal.SIGSTOP)

    where = writer.world(ready, 60.0, tmp_path)
    expired(where)
    lock.run(Release("t-ben", "development", values.COMMIT, "ben", values.STARTED), where)
    where.traffic.set_weights({Color.BLUE: 100, Color.GREEN: 0})
    before = page(ready)
    go(stopped)
    stopped.send_signal(signal.SIGCONT)

    assert 21 == stopped.wait(PATIENCE_S)
    assert "ben" in hears(stopped)
    assert ({"blue": 100, "green": 0}, before) == (weights(ready), page(ready))
    where.lease.check()
    where.lease.release()


def test_a_process_that_stood_still_goes_on_when_nobody_came(
    ready: Session, start: Callable[[str, float], Writer], tmp_path: Path
) -> None:
    """Its lease is renewed, since nobody has taken it."""
    stopped = start("ana", TTL_S)
    assert "here" == hears(stopped)
    go(stopped)
    assert "holds" == hears(stopped)
    stopped.send_signal(signal.SIGSTOP)
    expired(writer.world(ready, 60.0, tmp_path))
    go(stopped)
    stopped.send_signal(signal.SIGCONT)

    assert (0, {"blue": 0, "green": 100}) == (stopped.wait(PATIENCE_S), weights(ready))
