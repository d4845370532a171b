"""Ctrl-C, SIGTERM and kill -9 at chosen moments of real deploys: things are put back, nothing is held, nobody is left.

Each moment is reached by a deploy of the same commit, which the last one then brings to its end. `nox -s faults` runs
every moment with every signal; CI a fixed sample of them.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

import pytest

from . import faults
from .conftest import Checkout, Served, deploy, get, visitors
from .faults import Running

LONG = "37.5"
"""Seconds that something takes which is never waited for; a number that no other process has in its command line."""
Ask = Callable[[Running], object]


def ctrl_c(run: Running) -> None:
    """Ctrl-C."""
    run.ctrl_c()


def ctrl_c_twice(run: Running) -> None:
    """Somebody impatient."""
    run.ctrl_c()
    run.until(r"undone|stopped|failed|skipped")
    run.ctrl_c()


def terminate(run: Running) -> None:
    """`kill`, systemd, a CI runner that is cancelled."""
    run.signal(signal.SIGTERM)


def started(stage: str) -> Callable[[Running], None]:
    """Wait until a stage has started."""
    return lambda run: run.until(rf"\ds {stage} +started")


MOMENTS: dict[str, Callable[[Running], None]] = {
    "gates": lambda run: run.until_runs("python3", "time.sleep"),
    "build": lambda run: run.until(faults.BUILDING),
    "plan": started("plan"),
    "apply": lambda run: run.until_runs("sleep", LONG),
    "push": started("push"),
    "migrate": started("migrate"),
    "deploy": started("deploy"),
    "roll-out": lambda run: run.until(r"\ds deploy +(backend|frontend) blue: "),
    "smoke_test": started("smoke_test"),
}
SLOW = {"gates": faults.GATE_S, "apply": faults.APPLY_S}
"""What makes a moment long enough to be hit."""
ASKED = {"ctrl-c": ctrl_c, "term": terminate, "ctrl-c twice": ctrl_c_twice}
SAMPLE = (("gates", "ctrl-c"), ("apply", "term"), ("roll-out", "ctrl-c twice"))
ALL = tuple((moment, ask) for moment in MOMENTS for ask in ASKED)
CHOSEN = ALL if os.environ.get("E2E_FAULTS") == "all" else SAMPLE


@pytest.fixture(scope="module")
def changed(prepared: Checkout) -> Checkout:
    """The clone with one commit that changes the backend and the infrastructure."""
    faults.change_backend(prepared)
    faults.change_infrastructure(prepared)
    return prepared


@pytest.mark.parametrize(("moment", "ask"), CHOSEN)
def test_interrupted_and_put_back(changed: Checkout, served: Served, moment: str, ask: str) -> None:
    """Exit 130, one line, no process left, the lease free, and every visitor served by the version before."""
    if moment == "build":
        faults.change_backend(changed)  # what an earlier moment has built is not built again
    slow = {SLOW[moment]: LONG} if moment in SLOW else {}
    with visitors(served.url) as seen:
        run = Running(changed, "deploy", "--env=dev", env=slow)
        MOMENTS[moment](run)
        ASKED[ask](run)
        ran = run.end()
    last = ran.stderr.strip().splitlines()[-1]

    assert 130 == ran.code, ran.stderr
    assert last.startswith("interrupted: what was changed has been put back"), ran.stderr
    assert "Traceback" not in ran.stderr
    assert {} == faults.nothing_left(run.mark)
    assert {"200"} == set(seen), seen
    served.still()


def test_killed_and_the_next_deploy_goes_on(changed: Checkout, served: Served) -> None:
    """Kill -9 in the middle of Terraform: what it ran ends too, and nobody has to wait or to unlock anything."""
    faults.change_infrastructure(changed)
    run = Running(changed, "deploy", "--env=dev", env={faults.APPLY_S: LONG})
    MOMENTS["apply"](run)
    run.signal(signal.SIGKILL)
    run.end()
    left = faults.nothing_left(run.mark)
    answer = deploy(changed, "--json").json

    assert {} == left
    assert "good" == answer["outcome"]
    assert answer["release"] == get(served.url, "/api/version").json()["release"]
