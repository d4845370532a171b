"""The first scenario: a release takes over step by step, the next is put back half way, and the first rolled back.

All of it under constant load of every kind. What is put back half way loses its tasks at once, with visitors' requests
still under way in them: there draining has to hold.
"""

from __future__ import annotations

import json
import random
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.aws_calls import BLUE_GREEN
from tests.chaos import stored
from tests.chaos.site import Site
from tests.chaos.split import Split, splits
from tests.chaos.weights import Look, held, watch
from tests.e2e import faults
from tests.load.answers import Answer, Seen
from tests.load.generator import load
from tests.load.kinds import MIB, Kind, fresh, kept_alive, slow_form, upload

MOST_S = 3000.0
UPLOAD_BYTES = 20 * MIB
FEW = 10
STEPS = ((10, 90), (50, 50), (0, 100))
"""The weights of production's steps, in order."""


def visitors(run: str, rate: float) -> list[Kind]:
    """So many requests a second, of every kind at once: at 200, three or four slow forms and an upload each 3 s."""
    share = rate / 200
    return [
        fresh(100 * share),
        kept_alive(80 * share, 1),
        kept_alive(16 * share, 20),
        slow_form(3.7 * share, run),
        upload(0.3 * share, run, size=UPLOAD_BYTES),
    ]


@dataclass(slots=True)
class Findings:
    """What a scenario found: `mistakes` is empty when all is well."""

    run: str
    seen: Seen = field(default_factory=Seen)
    looks: list[Look] = field(default_factory=list)
    splits: list[Split] = field(default_factory=list)
    mistakes: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def dropped(self) -> list[str]:
        """The first requests that failed, a line each."""
        failed = self.seen.failures()
        more = [f"and {len(failed) - FEW} more"] if len(failed) > FEW else []
        return [*map(self.line, failed[:FEW]), *more]

    @staticmethod
    def line(answer: Answer) -> str:
        """One request, for people."""
        due = time.strftime("%H:%M:%S", time.gmtime(answer.due))
        how = f"{answer.kind} due at {due} ended as {answer.outcome} after {answer.latency_s:.1f} s"
        return f"{how} {answer.key} {answer.said}".rstrip()

    def told(self) -> list[str]:
        """The figures, a line each."""
        kinds = sorted({answer.kind for answer in self.seen.answers})
        late_ms = 1000 * max((answer.late_s for answer in self.seen.answers), default=0)
        return [
            f"all: {self.seen.told()}",
            *(f"{kind}: {self.seen.of(kind).told()}" for kind in kinds),
            f"the generator itself was {late_ms:.0f} ms late at most",
            *(split.told() for split in self.splits),
            *(f"{name}: {seconds:.1f} s" for name, seconds in self.seconds.items()),
        ]

    def write(self, folder: Path) -> None:
        """Keep it all: requests.jsonl, weights.jsonl, figures.txt."""
        folder.mkdir(parents=True, exist_ok=True)
        self.seen.write(folder / "requests.jsonl")
        looks = (json.dumps({"at": look.at, **look.weights}) for look in self.looks)
        (folder / "weights.jsonl").write_text("\n".join(looks) + "\n", encoding="utf-8")
        lines = [*self.told(), *(f"WRONG: {mistake}" for mistake in self.mistakes)]
        (folder / "figures.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """Note how long the block took."""
        begun = time.monotonic()
        try:
            yield
        finally:
            self.seconds[name] = time.monotonic() - begun


@contextmanager
def loaded(site: Site, run: str, folder: Path, rate: float) -> Iterator[Findings]:
    """Load the site while the block runs; then judge what never may be: a failure, a form kept twice or not at all."""
    findings = Findings(run)
    bucket, s3 = site.topology["buckets"]["uploads"], site.client("s3")
    before = stored.keys(s3, bucket, "careers/") | stored.pending(s3, bucket)
    groups = {color: place["target_group"] for color, place in site.topology["services"]["frontend"]["colors"].items()}
    listener = site.topology["load_balancers"]["public"]["listener"]
    try:
        with (
            watch(site.client("elbv2"), listener, groups) as findings.looks,
            load(site.url, visitors(run, rate), most_s=MOST_S, at=site.place) as findings.seen,
        ):
            yield findings
        seen = findings.seen
        findings.splits = splits(held(findings.looks), seen.answers)
        findings.mistakes += findings.dropped
        findings.mistakes += stored.form_mistakes(site, run, seen.of("slow form").answers)
        findings.mistakes += stored.upload_mistakes(site, seen.of("upload").answers, UPLOAD_BYTES, before)
    finally:
        findings.write(folder)
        stored.forget_uploads(site, before)


def shift_and_back(site: Site, seed: int, folder: Path, rate: float) -> Findings:
    """Release, release and put back at 50%, roll back; every step under load."""
    run = f"{seed}-{int(time.time()):x}"
    with loaded(site, run, folder, rate) as findings:
        faults.change_backend(site.checkout)
        with findings.timed("release, 10, 50, 100"):
            _whole(site, "deploy", findings)
        _put_back(site, seed, findings)
        with findings.timed("rollback, 10, 50, 100"):
            _whole(site, "rollback", findings)
    findings.mistakes += split_mistakes(findings.splits, STEPS, 0.01)
    return findings


def put_back(site: Site, seed: int, folder: Path, rate: float) -> Findings:
    """The short form: only a release that is put back at 50%, where tasks leave with requests under way in them."""
    with loaded(site, f"{seed}-{int(time.time()):x}", folder, rate) as findings:
        _put_back(site, seed, findings)
    # Chance alone would let one run in fifty fail at 0.01; a split that is wrong by a tenth is seen all the same.
    findings.mistakes += split_mistakes(findings.splits, STEPS[:1], 1e-4)
    return findings


def _whole(site: Site, verb: str, findings: Findings) -> None:
    """Run a command to its end; that it ended otherwise than well is a finding, like a request that failed."""
    ran = site.begin(verb, "--json").end()
    if ran.code == 0:
        findings.mistakes += BLUE_GREEN.excess(ran.json)
    else:
        findings.mistakes.append(f"inv {verb} ended with {ran.code}: {ran.stderr[-1500:]}")


def _put_back(site: Site, seed: int, findings: Findings) -> None:
    """Interrupt a release at 50%, at the moment that the seed says."""
    moment_s = random.Random(seed).uniform(0.5, 3.0)  # noqa: S311 - it has to come again, not to be secret
    faults.change_backend(site.checkout)
    with findings.timed("release, 10, 50, put back"):
        deploying = site.begin("deploy")
        with suppress(AssertionError):  # it ended before: its exit code tells
            deploying.until(r"50%")
            time.sleep(moment_s)  # what the seed varies
            deploying.signal(signal.SIGINT)
        ran = deploying.end()
    if ran.code != 130:
        findings.mistakes.append(f"the interrupted deployment ended with {ran.code}: {ran.stderr[-1500:]}")


def split_mistakes(found: list[Split], steps: Sequence[tuple[int, int]], least_p: float) -> list[str]:
    """A line for each split that traffic did not follow, and for each of the `steps` that was never seen."""
    mistakes = [f"not by the weights: {split.told()}" for split in found if split.p <= least_p]
    seen = {tuple(sorted(split.weights.values())) for split in found}
    return mistakes + [f"no step {step} was seen" for step in steps if step not in seen]
