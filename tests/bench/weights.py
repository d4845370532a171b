"""Weights back: how long visitors go on meeting a release that nobody wants, from the start of the command.

Staging moves all traffic to a release whose run is then killed in its bake, with the old color at full capacity: the
worst moment. `inv rollback` is timed from its start until the listener says that the old color has everything again.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import botocore.session

from tests.aws_calls import BLUE_GREEN
from tests.bench.checkout import DEPLOY_S, Checkout
from tests.bench.figures import Figure, Goal, Samples
from tests.bench.programs import NotMeasured

REGION = "ap-south-1"
STAGING = ("--env=staging", "--cloud=local")
LOOK_EVERY_S = 0.02
SHIFT_S = 300.0


@dataclass(frozen=True)
class Listener:
    """The public listener of staging, asked by itself and not through the deployer."""

    elbv2: Any
    arn: str
    blue: str

    def weight(self, color: str) -> int:
        """What share of the visitors `color` has, in percent."""
        found = self.elbv2.describe_listeners(ListenerArns=[self.arn])["Listeners"][0]["DefaultActions"]
        groups = found[0]["ForwardConfig"]["TargetGroups"]
        shares = {group["TargetGroupArn"]: group["Weight"] for group in groups}
        blue = int(shares.get(self.blue, 0))
        return blue if color == "blue" else 100 - blue

    def wait(self, color: str, most_s: float) -> float:
        """Wait until `color` has all of them; return when that was seen (monotonic seconds)."""
        until = time.monotonic() + most_s
        while self.weight(color) != 100:
            if time.monotonic() > until:
                raise NotMeasured(f"{color} had not all traffic after {most_s:.0f} s")
            time.sleep(LOOK_EVERY_S)
        return time.monotonic()


def weights_back(checkout: Checkout, goal: Goal, repeat: int) -> Figure:
    """A release that was killed in its bake, rolled back."""
    checkout.ready()
    live, doubts = _deployed(checkout)
    listener = _listener(checkout)
    seconds, whole = [], []
    for _ in range(repeat):
        old = "blue" if live["traffic"]["blue"] == 100 else "green"
        new = "green" if old == "blue" else "blue"
        with _started(checkout, "deploy", *STAGING, f"--release={live['release']}") as run:
            listener.wait(new, SHIFT_S)
            os.killpg(run.pid, signal.SIGKILL)
            run.wait()
        begun = time.monotonic()
        with _started(checkout, "rollback", *STAGING) as run:
            seconds.append(listener.wait(old, SHIFT_S) - begun)
            code = run.wait(DEPLOY_S)
        whole.append(time.monotonic() - begun)
        if code != 0:
            raise NotMeasured(f"the rollback ended with exit code {code}")
        live = _status(checkout)
        if not live["healthy"]:
            raise NotMeasured(f"after the rollback staging is not well: {live['doubts']}")
    notes = (f"until the command had proven it: {Samples('', tuple(whole)).told()}",)
    return Figure("weights back", goal, Samples("inv rollback", tuple(seconds)), notes=notes, doubts=doubts)


def _deployed(checkout: Checkout) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The status of staging, and what speaks against the deploy that was needed for it."""
    found = _status(checkout)
    if found.get("healthy"):
        return found, ()
    answer = checkout.inv("staging", "deploy", *STAGING, "--json").json
    return _status(checkout), BLUE_GREEN.excess(answer)


def _status(checkout: Checkout) -> dict[str, Any]:
    ran = checkout.inv("status-staging", "status", *STAGING, "--json", codes=(0, 2))
    return dict(ran.json) if ran.code == 0 else {}


def _listener(checkout: Checkout) -> Listener:
    session = botocore.session.Session(session_vars={"profile": (None, None, None, None)})
    session.set_credentials("test", "test")
    endpoint = checkout.cloud()["endpoint_url"]
    ssm, elbv2 = (session.create_client(name, REGION, endpoint_url=endpoint) for name in ("ssm", "elbv2"))
    parameter = ssm.get_parameter(Name="/indivillage/staging/topology")["Parameter"]["Value"]
    topology = json.loads(parameter)
    blue = topology["services"]["frontend"]["colors"]["blue"]["target_group"]
    return Listener(elbv2, topology["load_balancers"]["public"]["listener"], blue)


@contextmanager
def _started(checkout: Checkout, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    """Start `inv WORDS`, told in a log; it does not outlive the block."""
    checkout.logs.mkdir(parents=True, exist_ok=True)
    with (checkout.logs / f"weights-{words[0]}-{time.time_ns()}.log").open("wb") as log:
        run = subprocess.Popen(
            ["./scripts/inv", *words],
            cwd=checkout.path,
            env=checkout.env,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            yield run
        finally:
            if run.poll() is None:
                os.killpg(run.pid, signal.SIGTERM)
                run.wait(DEPLOY_S)
