"""Where the time goes, before anything is tuned: writes reports/profile/*.txt.

imports.txt: the twenty modules that `inv --list` waits for longest. stages.txt: the pipeline's own timings of one warm
deploy with nothing changed. deploy.txt: where py-spy saw it compute, by function; deploy.raw.txt the same as collapsed
stacks for any flame graph; deploy.speedscope.json its time line for https://www.speedscope.app, waiting included.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from tests.bench import surroundings
from tests.bench.checkout import DEPLOY_S, Checkout

TOP = 20
SAMPLES_PER_S = 200
_IMPORT = re.compile(r"import time:\s+(\d+) \|\s+(\d+) \|(\s+\S+)$")


def slowest_imports(stderr: str, most: int = TOP) -> list[str]:
    r"""The modules of a `-X importtime` report that took longest by themselves, in ms, slowest first.

    >>> slowest_imports("import time:  2000 |  9000 |   a\nimport time:  5000 |  5000 | b.c")
    ['self ms   with its own  module', '    5.0           5.0  b.c', '    2.0           9.0  a']
    """
    found = [(int(m[1]), int(m[2]), m[3].strip()) for line in stderr.splitlines() if (m := _IMPORT.match(line))]
    rows = sorted(found, reverse=True)[:most]
    return ["self ms   with its own  module", *(f"{a / 1000:7.1f}  {b / 1000:12.1f}  {name}" for a, b, name in rows)]


def by_function(stacks: Iterable[str], most: int = TOP) -> list[str]:
    """Collapsed stacks (`a;b;c 12`) as two lists: functions by their own samples, and by all below them.

    >>> by_function(["main;work 3", "main 1"], 1)
    ['samples: 4', '', 'by themselves', '  75.0 %  work', '', 'with all they call', ' 100.0 %  main']
    """
    own: Counter[str] = Counter()
    whole: Counter[str] = Counter()
    for line in stacks:
        frames, _, count = line.rpartition(" ")
        names = [name for name in frames.split(";") if name]
        if not names:
            continue
        own[names[-1]] += int(count)
        whole.update(dict.fromkeys(names, int(count)))
    total = sum(own.values())

    def told(counts: Counter[str]) -> list[str]:
        return [f"{100 * count / total:6.1f} %  {name}" for name, count in counts.most_common(most)]

    return [f"samples: {total}", "", "by themselves", *told(own), "", "with all they call", *told(whole)]


def run(checkout: Checkout, folder: Path) -> int:
    """Write all reports into `folder`; returns 0, or raises NotMeasured."""
    folder.mkdir(parents=True, exist_ok=True)
    checkout.ready()
    python = str(checkout.path / ".venv" / "bin" / "python")
    argv = [python, "-X", "importtime", "-m", "invoke", "--list"]
    listed = checkout.programs.run("importtime", argv, timeout_s=60)
    _write(folder / "imports.txt", slowest_imports(listed.log.read_text(encoding="utf-8")))
    stages = checkout.deploy("profile").json["stages"]
    rows = [f"{stage['duration_s']:7.2f} s  {stage['name']:<12} {stage['status']}" for stage in stages]
    _write(folder / "stages.txt", rows)
    spied = checkout.programs.with_env(surroundings.of_script(checkout.env, checkout.path))
    inv = [python, "-m", "invoke", "deploy", "--env=dev"]
    # Idle threads only where there is a time line: what a deploy waits for is seen there, and would drown the sums.
    for form, name, idle in (("raw", "deploy.raw.txt", []), ("speedscope", "deploy.speedscope.json", ["--idle"])):
        spy = ["py-spy", "record", *idle, "--rate", str(SAMPLES_PER_S), "--format", form]
        spy += ["--output", str(folder / name)]
        spied.run(f"py-spy-{form}", [*spy, "--", *inv], timeout_s=DEPLOY_S)
    _write(folder / "deploy.txt", by_function((folder / "deploy.raw.txt").read_text(encoding="utf-8").splitlines()))
    return 0


def _write(file: Path, lines: Iterable[str]) -> None:
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
