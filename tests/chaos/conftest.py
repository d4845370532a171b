"""The scenarios of `nox -s chaos`: a clone under .cache/chaos that stays, seeds, results that are not made twice."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.site import Site
from tests.chaos.stand import unlimited
from tests.e2e import faults
from tests.e2e.conftest import ROOT, Checkout

HOME = ROOT / ".cache" / "chaos"
RESULTS = HOME / "results.jsonl"


def commit() -> str:
    """What is tested. Only what is committed gets into the clone."""
    return subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.strip()


def passed() -> set[tuple[str, int, str]]:
    """Test, seed and commit of all that has passed here."""
    lines = RESULTS.read_text(encoding="utf-8").splitlines() if RESULTS.exists() else []
    results = [json.loads(line) for line in lines]
    return {(one["test"], one["seed"], one["commit"]) for one in results if one["outcome"] == "passed"}


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """The seed of this run."""
    return int(request.config.getoption("--seed"))


@pytest.fixture
def rate(request: pytest.FixtureRequest) -> float:
    """Requests a second."""
    return float(request.config.getoption("--rate"))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A run that was cut off goes on where it was: what has passed with this seed on this commit is left out, aloud."""
    if config.getoption("--again"):
        return
    known, tested = passed(), commit()
    for item in items:
        if (item.nodeid, config.getoption("--seed"), tested) in known:
            item.add_marker(pytest.mark.skip(reason=f"has passed with this seed on {tested[:7]} (--again repeats it)"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Keep the result; a failure says how to have it again."""
    report = yield
    if report.when == "call" and not report.skipped:
        seed = item.config.getoption("--seed")
        HOME.mkdir(parents=True, exist_ok=True)
        result = {"test": item.nodeid, "seed": seed, "commit": commit(), "outcome": report.outcome}
        with RESULTS.open("a", encoding="utf-8") as file:
            file.write(json.dumps({**result, "at": round(time.time()), "duration_s": round(report.duration)}) + "\n")
        if report.failed:
            again = f"nox -s chaos -- --seed={seed} --again {item.nodeid}"
            report.sections.append(("the same again", again))
    return report


@pytest.fixture
def folder(request: pytest.FixtureRequest, seed: int) -> Path:
    """Where a scenario keeps what it saw."""
    return HOME / f"{request.node.name}-seed{seed}"


@pytest.fixture(scope="session")
def checkout() -> Checkout:
    """A clone of HEAD with quick gates and without rate limit; it and its cloud stay for the next run.

    To work on the scenarios, CHAOS_CHECKOUT names a clone that is prepared already.
    """
    if kept := os.environ.get("CHAOS_CHECKOUT"):
        return Checkout(Path(kept))
    clone = Checkout(HOME / "checkout")
    if not clone.path.exists() or clone.git("rev-parse", "chaos-base") != commit():
        if clone.path.exists():
            clone.inv("cloud.down")
            shutil.rmtree(clone.path)
        HOME.mkdir(parents=True, exist_ok=True)
        subprocess.run(["git", "clone", "-q", "--local", str(ROOT), str(clone.path)], check=True)
        clone.git("tag", "chaos-base")
        unlimited(clone, "production")
        faults.prepare(clone)
        clone.git("tag", "chaos-ready")
    clone.git("reset", "-q", "--hard", "chaos-ready")
    return clone


@pytest.fixture(scope="session")
def production(checkout: Checkout) -> Site:
    """Production, rehearsed; development comes first, because it owns the registry."""
    if not checkout.inv("cloud.status", "--json").json["running"]:
        checkout.inv("deploy", "--env=dev", env={"CI": None})
    site = Site(checkout, "prod")
    # Whatever a run that was cut off has left: this brings back what is tested, or finds that it serves.
    site.inv("deploy")
    return site
