"""How fast: `nox -s bench` measures everything, `nox -s bench -- --only=nothing,list` some; neither is a test.

Prints one table on stdout and writes reports/bench.json after every measure, so a run that was cut off keeps what it
had and `--only` adds to it. Ends with 0 when everything asked for was measured, whatever the figures; else with 1.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.bench import profiling
from tests.bench.checkout import Checkout
from tests.bench.figures import Figure, calls_table, from_json, table, to_json
from tests.bench.measures import Measure, measures
from tests.bench.programs import NotMeasured

ROOT = Path(__file__).resolve().parents[2]
REPORT = ROOT / "reports" / "bench.json"
LOGS = ROOT / "reports" / "bench"
"""A folder for each run."""


def main(words: Sequence[str]) -> int:
    """Measure what the command line asks for; return the exit code."""
    options = _options(words)
    checkout = Checkout(ROOT, ROOT / ".cache" / "bench", LOGS / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}", _say)
    _say_surroundings()
    # Whoever ends us, what runs is interrupted as at a terminal and what was started is removed.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        if options.profile:
            return profiling.run(checkout, ROOT / "reports" / "profile")
        chosen = [measure for measure in measures() if measure.name in options.only]
        taken = [_taken(measure, checkout, options.repeat) for measure in chosen]
        _print(_kept(checkout.base))
        return 1 if any(figure.holds is None for figure in taken) else 0
    except NotMeasured as error:
        _say(f"not profiled: {error}")
        return 1
    except KeyboardInterrupt:
        _say("interrupted; what was measured is in reports/bench.json")
        return 130
    finally:
        checkout.end(keep=options.keep)


def _options(words: Sequence[str]) -> argparse.Namespace:
    names = [measure.name for measure in measures()]
    parser = argparse.ArgumentParser(prog="nox -s bench --", description=__doc__)
    parser.add_argument("--only", default=",".join(names), help=f"measures to take, by comma: {', '.join(names)}")
    parser.add_argument("--repeat", type=int, default=0, help="repetitions of each, instead of its own number")
    parser.add_argument("--keep", action="store_true", help="leave the benchmark's cloud running for the next run")
    parser.add_argument("--profile", action="store_true", help="write reports/profile/ instead of measuring")
    options = parser.parse_args(words)
    options.only = [name.strip() for name in options.only.split(",") if name.strip()]
    if unknown := sorted(set(options.only) - set(names)):
        parser.error(f"there is no measure {', '.join(unknown)}; there are {', '.join(names)}")
    return options


def _taken(measure: Measure, checkout: Checkout, repeat: int) -> Figure:
    begun = time.monotonic()
    _say(f"{measure.name}: measuring")
    try:
        figure = measure.take(checkout, measure.goal, repeat or measure.repeat)
    except NotMeasured as error:
        figure = Figure(measure.name, measure.goal, wrong=str(error))
    except Exception as error:  # noqa: BLE001 - the other measures still have something to say
        traceback.print_exc()
        figure = Figure(measure.name, measure.goal, wrong=f"a bug of the benchmark: {error!r}")
    _say(f"{measure.name}: {figure.wrong or 'measured'}, {time.monotonic() - begun:.0f} s in all")
    _keep(measure.name, figure, checkout.base)
    return figure


def _keep(name: str, figure: Figure, commit: str) -> None:
    """Add the figure to the report; figures of another commit go."""
    kept = _read(commit)
    entry = {**to_json(figure), "at": datetime.now(UTC).isoformat(timespec="seconds"), "load_1min": os.getloadavg()[0]}
    measured = {**kept.get("measures", {}), name: entry}
    order = {measure.name: measured[measure.name] for measure in measures() if measure.name in measured}
    report = {"commit": commit, "processors": os.cpu_count(), "measures": order}
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(json.dumps(report, indent=1), encoding="utf-8")


def _read(commit: str) -> dict[str, Any]:
    try:
        kept: dict[str, Any] = json.loads(REPORT.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return kept if kept.get("commit") == commit else {}


def _kept(commit: str) -> dict[str, Figure]:
    return {name: from_json(entry) for name, entry in _read(commit).get("measures", {}).items()}


def _print(figures: dict[str, Figure]) -> None:
    for line in table(list(figures.values())):
        print(line)
    counted = {name: figure.details["aws_calls"] for name, figure in figures.items() if "aws_calls" in figure.details}
    if counted:
        print()
        for line in calls_table(counted):
            print(line)


def _say(text: str) -> None:
    print(f"bench: {text}", file=sys.stderr, flush=True)


def _say_surroundings() -> None:
    """What a reader has to know to trust the figures."""
    changed = subprocess.run(
        ["git", "status", "--porcelain"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    if changed:
        _say("HEAD is measured; what is not committed is not")
    processors, busy = os.cpu_count() or 1, os.getloadavg()[0]
    _say(f"{processors} processors, load average {busy:.1f}")
    if busy > processors / 2:
        _say("the machine is busy with something else: ratios may hold, seconds do not")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
