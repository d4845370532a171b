"""A process that takes an environment's lease and changes its traffic: `python -m tests.contract.aws.writer`.

Arguments: the local cloud's endpoint, the environment's short name, who it is, the lease's time to live in seconds. It
says `here`, waits for a line, takes lease and journal, says `holds`, waits for a line, and sets the weights. It ends
with the exit code that `inv` would have; why is its last line. What the traffic is, is an object in the state bucket.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from deployer.aws.journal import S3Journal
from deployer.aws.lease import S3Lease
from deployer.aws.session import Session
from deployer.aws.state_bucket import StateBucket
from deployer.journal import Journal
from deployer.journalled import JournalledTraffic
from deployer.model import Color, Outcome, Release
from deployer.pipeline import Stage, Stop, execute
from deployer.ports import World
from deployer.stages import lock
from deployer.tools.clock import SystemClock
from tests.fakes import FakeCompute, Fakes, FakeTraffic, Heard
from tests.unit.aws import values

WEIGHTS_KEY = "weights.json"


class ObjectTraffic(FakeTraffic):
    """The public listener's weights, where every process sees them."""

    def __init__(self, session: Session, compute: FakeCompute) -> None:
        super().__init__(compute)
        self._session = session

    def set_weights(self, weights: Mapping[Color, int]) -> None:
        """Write them, whoever asks: nothing but lease and journal keeps anybody from it."""
        body = json.dumps({str(color): weight for color, weight in weights.items()}).encode()
        self._session.s3.put_object(Bucket=self._session.environment.state_bucket, Key=WEIGHTS_KEY, Body=body)


def world(session: Session, ttl_s: float, logs: Path) -> World:
    """Real lease and journal, weights in the bucket, and fakes of all else."""
    fakes, clock = Fakes(), SystemClock()
    lease = S3Lease(session, clock, StateBucket(session), ttl_s=ttl_s, renew_every_s=ttl_s / 3)
    journal = Journal(S3Journal(session), lease, clock)
    traffic = JournalledTraffic(ObjectTraffic(session, fakes.compute), journal)
    return replace(fakes.world(logs), lease=lease, journal=journal, traffic=traffic, clock=clock)


def main(endpoint: str, short_name: str, owner: str, ttl_s: str) -> int:
    """Be a run of `inv deploy`, as far as lease and journal are concerned."""

    def say(word: object) -> None:
        sys.stdout.write(f"{word}\n")
        sys.stdout.flush()

    def pause(word: str) -> None:
        say(word)
        sys.stdin.readline()

    def shift(_: Release, where: World) -> Outcome:
        pause("holds")
        where.traffic.set_weights({Color.BLUE: 0, Color.GREEN: 100})
        return Outcome()

    session = Session(values.environment(short_name), endpoint_url=endpoint)
    where = world(session, float(ttl_s), Path())
    pause("here")
    release = Release(f"{short_name}-{owner}", "development", values.COMMIT, owner, values.STARTED)
    report = execute((lock.STAGE, Stage("shift", ("lock",), shift)), release, where, Heard(), Stop())
    say(report.error or "done")
    return report.error.exit_code if report.error else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
