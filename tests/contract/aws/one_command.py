"""One command of the deployer in a process of its own, over the stand-in's environment, with something going wrong.

    python -m tests.contract.aws.one_command '{"verb": "deploy", "release": …, "cut": [5, "before the call"], …}'

The commands, the pipeline, the strategy, recovery and every adapter to AWS are the real ones. What a stand-in has not
(checks, builds, Terraform, metrics, the smoke test's containers) is played by the fakes.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

from invoke.exceptions import Exit

from deployer import app, config, journal
from deployer.aws.abort import S3Abort
from deployer.aws.ecr import Ecr
from deployer.aws.ecs import Ecs
from deployer.aws.elbv2 import Elbv2
from deployer.aws.journal import S3Journal
from deployer.aws.lease import S3Lease
from deployer.aws.ledger import S3Ledger
from deployer.aws.preflight import CloudPreflight
from deployer.aws.session import Session
from deployer.aws.state_bucket import StateBucket
from deployer.aws.topology import StoredTopology
from deployer.composition import Site
from deployer.errors import GateFailed, ReleaseFailed
from deployer.journal import Journal, Point
from deployer.journalled import JournalledCompute, JournalledLedger, JournalledTraffic
from deployer.model import Environment, Step
from deployer.ports import Say
from deployer.stop import Stop
from deployer.tools.clock import SystemClock
from tasks import run
from tests.contract.aws.call_faults import Calls, Fault, Place, arm
from tests.fakes import Fakes
from tests.unit.aws import values


@dataclass(frozen=True)
class Command:
    """What to run: deploy a `release` of the ledger again, roll back, reconcile; where; what goes wrong.

    `address` is the load balancers' own (host, port of the public listener, of the test listener). `cut` is a step of
    the journal and the point there at which the process is killed.
    """

    endpoint: str
    short_name: str
    address: tuple[str, int, int]
    logs: str
    verb: str
    release: str = ""
    cut: tuple[int, str] | None = None
    fault: Fault | None = None

    @property
    def line(self) -> list[str]:
        """The command line that runs it."""
        return [sys.executable, "-m", "tests.contract.aws.one_command", json.dumps(asdict(self))]


def environment(short_name: str) -> Environment:
    """One task each, blue/green in two steps, nothing to wait for."""
    plain = values.environment(short_name)
    services = {name: replace(service, count=1) for name, service in plain.services.items()}
    steps = (Step(50, 0), Step(100, 0))
    return replace(plain, services=services, strategy="blue_green", steps=steps, steady_timeout_s=300)


class Visitor:
    """Fills ports.Probe: one request through the load balancer."""

    def __init__(self, address: tuple[str, int, int], name: str) -> None:
        self._address = address
        self._name = name

    def version(self, *, idle: bool = False) -> Mapping[str, str]:
        """Ask which release answers."""
        host, public, test = self._address
        connection = http.client.HTTPConnection(host, test if idle else public, timeout=10)
        try:
            connection.request("GET", "/api/version", headers={"Host": self._name})
            answer = connection.getresponse()
            body = answer.read()
        except OSError as error:
            raise ReleaseFailed("GET /api/version", repr(error)) from error
        finally:
            connection.close()
        if answer.status != 200:
            raise ReleaseFailed("GET /api/version", str(answer.status))
        return dict(json.loads(body))

    def smoke(self, release_id: str, say: Say, log: Path, *, idle: bool = False) -> str:
        """The release answers."""
        seen = self.version(idle=idle)["release"]
        if seen != release_id:
            raise GateFailed("smoke test", f"release {seen} answers")
        return "1 check passed"

    def sample(self, count: int, within_s: float, *, idle: bool = False) -> int:
        """Nobody looks at the figures of these: the metrics are the fakes'."""
        return count


def site(command: Command, stop: Stop) -> Site:
    """Compose as `deployer.composition` does."""
    wanted = environment(command.short_name)
    clock = SystemClock(stop.event)
    session = Session(wanted, endpoint_url=command.endpoint)
    topology = StoredTopology(session)
    traffic = Elbv2(session, topology)
    lease = S3Lease(session, clock, StateBucket(session))
    written = Journal(S3Journal(session), lease, clock)
    fakes = Fakes(environment=wanted)
    fakes.infrastructure.topology = topology  # type: ignore[method-assign]
    name = f"{topology().public_dns_name}"
    world = replace(
        fakes.world(Path(command.logs)),
        registry=Ecr(session),
        compute=JournalledCompute(Ecs(session, topology, traffic, clock), written),
        traffic=JournalledTraffic(traffic, written),
        preflight=CloudPreflight(session, topology),
        probe=Visitor(command.address, name),
        ledger=JournalledLedger(S3Ledger(session), written),
        lease=lease,
        journal=written,
        abort=S3Abort(session),
        clock=clock,
    )
    return Site(world, topology, lambda: f"http://{name}", lambda: session.calls, lambda: None)


def _follow(calls: Calls, cut: tuple[int, str] | None) -> None:
    """Tell `calls` which step is under way, and be killed at `cut`; takes the place of `journal.passed`."""

    def passed(number: int, at: Point) -> None:
        calls.passed(number, at)
        if (number, at) == cut:
            os.kill(os.getpid(), signal.SIGKILL)

    patch.object(journal, "passed", passed).start()


def main(words: str) -> None:
    """Run the command; its exit code is the process's, the last line of stdout says where it asked AWS what."""
    read: dict[str, Any] = json.loads(words)
    told = read.get("fault")
    fault = Fault(Place(**told["place"]), told["kind"]) if told else None
    cut = tuple(read["cut"]) if read.get("cut") else None
    command = Command(**{**read, "address": tuple(read["address"]), "cut": cut, "fault": fault})
    calls = arm(command.fault)
    _follow(calls, command.cut)
    composed: Any = lambda root, tree, wanted, logs, stop, **_: site(command, stop)  # noqa: E731
    known: Any = {"cloud": None, "as_json": False, "yes": True}
    with (
        patch.object(config, "load", lambda *_: environment(command.short_name)),
        patch.multiple(app, compose=composed, log_folder=lambda *_: Path(command.logs), permit=lambda *_, **__: None),
    ):
        try:
            match command.verb:
                case "deploy":
                    words_: Any = {"ref": "", "dry_run": False, "no_cache": False, **known}
                    run(lambda: app.deploy(command.short_name, release=command.release, **words_))
                case "rollback":
                    run(lambda: app.rollback(command.short_name, to="", **known))
                case verb:
                    run(lambda: app.stage(verb, command.short_name, **known))
        except Exit as ended:
            sys.exit(ended.code)  # as Invoke does
        finally:
            places = [asdict(place) for place in calls.places]
            sys.stdout.write(json.dumps({"places": places, "met": calls.met}) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
