"""What stages need of the world, as small Protocols. Adapters in `aws/` and `tools/` fill them; tests use fakes.

Every method may raise `errors.DeployError` subclasses and nothing else: adapters map foreign exceptions.
`say` arguments are called with one line of progress for people. One file, a little longer than others: all that a stage
may ask of the world is to be seen at once.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from deployer.journal_page import Page
from deployer.model import (
    BuiltImage,
    Checked,
    Color,
    Drift,
    Environment,
    Figures,
    Harm,
    Holder,
    Image,
    Plan,
    Record,
    Release,
    Revision,
    StoppedTask,
    Target,
    Topology,
    Verdict,
)

Say = Callable[[str], None]


class Platform(Protocol):
    """What the environment runs on: the local cloud, or an AWS account."""

    def ready(self, say: Say) -> str:
        """Bring the local cloud up, or make sure that these credentials belong to the environment's AWS account.

        Returns a note for people. Raises Unreachable, InputError.
        """
        ...


class Gates(Protocol):
    """Isolated check sessions (nox)."""

    def run(self, sessions: Sequence[str], log: Path, say: Say) -> Checked:
        """Run what of `sessions` has not passed on the same inputs yet.

        Raises GateFailed with the last lines and the log file.
        """
        ...


class Builder(Protocol):
    """Builds images in the local engine."""

    def build(self, service: str, *, commit: str, created: datetime, log: Path, say: Say) -> BuiltImage:
        """Build `docker/<service>`, labelled with the last commit that changed it, or with `commit` of `created`.

        An image whose staged context and labels are unchanged is not built again (`BuiltImage.cached`).
        Raises GateFailed when the build fails, Unreachable when no engine answers.
        """
        ...


class Registry(Protocol):
    """The image registry (ECR)."""

    def push(self, built: BuiltImage, repository: str, tags: Sequence[str], say: Say) -> Image:
        """Push under `tags` (skipping layers that are there) and return the image by manifest digest."""
        ...

    def tag(self, image: Image, tags: Sequence[str]) -> None:
        """Point further tags at an image that is already there, by digest, without moving layers."""
        ...

    def has(self, image: Image) -> bool:
        """Whether this digest is in the registry."""
        ...

    def is_of(self, image: Image, built: BuiltImage) -> bool:
        """Whether this digest is in the registry and is the very image that was built."""
        ...

    def reference(self, image: Image) -> str:
        """`<registry>/<repository>@<digest>`: what a task definition names."""
        ...


class Infrastructure(Protocol):
    """Terraform, for one environment."""

    def prepare(self, say: Say) -> None:
        """Make the state bucket and initialise the working directory; repeatable."""
        ...

    def unchanged(self) -> Plan | None:
        """The last plan, if it had nothing to change and neither configuration nor state has changed since.

        The state's serial is read from its bucket. None as well when everything is to be done anew.
        """
        ...

    def plan(self, commit: str, log: Path, say: Say) -> Plan:
        """Plan what `commit` says, and save it.

        Raises GateFailed when the configuration is wrong, Locked when the state is locked.
        """
        ...

    def apply(self, plan: Plan, log: Path, say: Say) -> None:
        """Apply exactly this plan; refuses a file whose SHA-256 differs. Raises ReleaseFailed, Locked."""
        ...

    def drift(self, log: Path, say: Say) -> Drift:
        """What was changed around Terraform since it last looked. Changes nothing, not even the state or its lock.

        What the deployer owns (weights, counts, task definitions) is none. Raises InputError before the first apply.
        """
        ...

    def topology(self) -> Topology:
        """What the last apply made. Raises InputError when the environment was never applied."""
        ...


class Compute(Protocol):
    """ECS, for one environment."""

    def live(self, service: str, color: Color) -> Revision:
        """What ECS itself says runs in this color."""
        ...

    def content(self, release: Release, service: str, image_reference: str) -> str:
        """Hash what `register` would describe, but for which release it is of; compares with `Revision.content`."""
        ...

    def register(self, release: Release, service: str, image_reference: str) -> str:
        """Register a task-definition revision for this release and color; return its ARN. Idempotent per release."""
        ...

    def registered(self, service: str, releases: Collection[str]) -> tuple[str, ...]:
        """ARNs of the newest task definitions that can still be used and say that they are of these releases."""
        ...

    def deregister(self, task_definition: str) -> None:
        """Let nobody start this task definition any more; tasks that run are left alone. Idempotent."""
        ...

    def roll_out(
        self, service: str, color: Color, task_definition: str, count: int, timeout_s: float, say: Say
    ) -> None:
        """Make the color run `count` tasks of `task_definition` and wait until it is the only, steady revision.

        From then on autoscaling moves it within the environment's limits, where there is any.
        Raises ReleaseFailed (with stopped tasks in `details`) when ECS's circuit breaker fires, the deployment that
        completes is not this one, or `timeout_s` passes. Does not put anything back: the caller does.
        """
        ...

    def scale(self, service: str, color: Color, count: int) -> None:
        """Set the desired count of the color, whatever it runs. At 0 autoscaling leaves it there."""
        ...

    def keep(self, service: str, color: Color, fewest: int) -> None:
        """Let autoscaling leave this color at least `fewest` tasks, from now on. Nothing where nothing scales."""
        ...

    def run_task(self, service: str, task_definition: str, command: Sequence[str], timeout_s: float, say: Say) -> None:
        """Run a one-off task to its end, its log lines streamed to `say`. Raises ReleaseFailed unless it exits 0."""
        ...

    def schedule(self, image_reference: str) -> bool:
        """Let the schedule run the reconciler of this image from now on; whether that changed anything.

        Idempotent. Raises InputError when the environment has no reconciler.
        """
        ...

    def stopped(self, service: str, task_definition: str) -> tuple[StoppedTask, ...]:
        """Why tasks of this revision stopped, newest first."""
        ...


class Traffic(Protocol):
    """ELBv2, for one environment."""

    def weights(self) -> Mapping[Color, int]:
        """The public listener's split, read from ELBv2; adds up to 100 (or is all zero when it forwards nowhere)."""
        ...

    def set_weights(self, weights: Mapping[Color, int]) -> None:
        """Set the split absolutely and read it back. Raises StateUncertain when the read-back differs."""
        ...

    def test_color(self) -> Color | None:
        """The color that the test listener forwards to; None when it forwards elsewhere or to both."""
        ...

    def point_test(self, color: Color) -> None:
        """Point the test listener at one color and read it back. Raises StateUncertain when the read-back differs."""
        ...

    def targets(self, service: str, color: Color) -> tuple[Target, ...]:
        """Registered targets and their health."""
        ...


class Metrics(Protocol):
    """CloudWatch, for one environment."""

    def alarms(self) -> Mapping[str, str]:
        """The state of each alarm that Terraform made: OK, ALARM, INSUFFICIENT_DATA; `missing` when it is gone.

        `few` is a percentile's alarm that is to say nothing about few samples, and has not had enough yet.
        """
        ...

    def firing(self) -> tuple[str, ...]:
        """Which of the alarms that Terraform makes fire now. May be asked before an apply, and of no environment."""
        ...

    def figures(self, since: datetime, until: datetime) -> Mapping[Color, Figures]:
        """What each color's visitors met; `own` says the same of both."""
        ...


class Preflight(Protocol):
    """Reads the cloud before anything is changed."""

    def problems(self, release: Release) -> tuple[str, ...]:
        """One line for each thing that is missing or does not agree; empty when all is well.

        Roles, images, secrets, log groups, target groups, ports.
        """
        ...


class Migrations(Protocol):
    """The schema's revisions in the tree that is deployed, read and not run."""

    def harm(self, since: str) -> tuple[Harm, ...]:
        """What the revisions after `since` do to the release that is live, those with a contract included.

        All revisions count when `since` is "" or none of them: what the live release needs is not known then.
        Raises GateFailed when a file is no revision.
        """
        ...


class Probe(Protocol):
    """Looks at the release from outside, as a visitor and as QA."""

    def version(self, *, idle: bool = False) -> Mapping[str, str]:
        """`GET /api/version` through the load balancer. Raises ReleaseFailed when it does not answer 200.

        With `idle` through its test listener, where the color answers that no visitor reaches.
        """
        ...

    def smoke(self, release_id: str, say: Say, log: Path, *, idle: bool = False) -> str:
        """Run tests/containers against what runs now; return a summary. Raises GateFailed with what failed.

        With `idle` through the test listener.
        """
        ...

    def sample(self, count: int, within_s: float, *, idle: bool = False) -> int:
        """Ask for pages as visitors do, up to `count` times; none is begun after `within_s`. Return how many.

        What they met is in the load balancer's metrics, not here. With `idle` through the test listener.
        """
        ...


class Ledger(Protocol):
    """History and intent: versioned objects under the state bucket."""

    def write(self, record: Record) -> None:
        """Create or replace the record of its release."""
        ...

    def find(self, release_id: str) -> Record | None:
        """The record of one release."""
        ...

    def history(self) -> tuple[Record, ...]:
        """All records, newest first; an environment that was never deployed has none."""
        ...

    def mend(self, damaged: Collection[str]) -> tuple[str, ...]:
        """Bring back deleted records, and the `damaged` ones, from earlier versions.

        Returns the releases that it found one of.
        """
        ...


class JournalStore(Protocol):
    """Where the journal's page is kept: one versioned object of the state bucket."""

    def read(self) -> Page | None:
        """The last page; one with `damage` when it cannot be read, None when there is none."""
        ...

    def write(self, page: Page, *, once: bool = False) -> None:
        """Write the page. Raises StateUncertain when a run with a higher fencing number has written since.

        `once`: visitors wait. One attempt, given up within seconds.
        """
        ...


class Journal(Protocol):
    """What this run changes, written down before and after each call (`deployer.journal`)."""

    @property
    def page(self) -> Page | None:
        """The page of this run, None before it has begun and after its end."""
        ...

    def read(self) -> Page | None:
        """The last page there is, whoever wrote it."""
        ...

    def begin(self, page: Page) -> None:
        """Open the page of this run. Raises StateUncertain when somebody with a higher fencing number has begun."""
        ...

    def end(self, outcome: Verdict | None, exit_code: int, reason: str = "") -> None:
        """Close the page, if there is one."""
        ...

    def proven(self) -> None:
        """Note that the release has passed its last proof: a run cut off from here on is finished, not undone."""
        ...

    def saw(self, revision: Revision) -> None:
        """Note what ran before this run's first change of it."""
        ...

    def saw_weights(self, weights: Mapping[Color, int]) -> None:
        """Note the split before this run's first change."""
        ...

    def step(self, call: str, intent: str, color: Color | None = None) -> AbstractContextManager[None]:
        """Write the intent, let the call be made, write what was seen. Raises StateUncertain when the lease is lost."""
        ...


class Abort(Protocol):
    """How another process asks the run that holds the lease to put things back."""

    def ask(self, fencing: int, actor: str, reason: str) -> None:
        """Ask the run of this fencing number."""
        ...

    def asked(self, fencing: int) -> str:
        """Who asked the run of this fencing number to stop, and why; "" when nobody did."""
        ...


class Lease(Protocol):
    """One writer per environment."""

    def acquire(self, owner: str, release: str) -> Holder:
        """Take it, or raise Locked naming the owner and the expiry. Renews itself until released.

        An environment's very first run makes the state bucket that holds it.
        """
        ...

    def keep(self, owner: str, reason: str) -> Holder:
        """Take it until `break_`, beyond the end of this process (`inv lock`), or raise Locked."""
        ...

    def release(self) -> None:
        """Give it back, if it is still ours."""
        ...

    def require_free(self) -> None:
        """Raise Locked, as `acquire` would, when somebody holds it: for who looks around before taking it."""
        ...

    def holder(self) -> Holder | None:
        """Who holds it now, if anybody does, it has not expired, and its process is not known to be gone."""
        ...

    def unfinished(self) -> Holder | None:
        """Who took it last and has not given it back, whether it has expired or not; None when it was given back.

        A lease that is not there at all counts as nobody's, long expired: what held it is not known.
        """
        ...

    def now(self) -> datetime:
        """What time it is where the lease is kept, as last heard; by this machine's clock before that. UTC."""
        ...

    def check(self) -> None:
        """Raise StateUncertain when the lease was lost: whoever holds it now owns the environment."""
        ...

    def break_(self) -> Holder | None:
        """Remove it whoever holds it (`inv unlock`); return who did."""
        ...


class Clock(Protocol):
    """Time, so that tests need not wait."""

    def now(self) -> datetime:
        """Wall-clock time, UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never jump."""
        ...

    def wait(self, seconds: float) -> None:
        """Sleep; ends early by raising Interrupted when the run was asked to stop, unless shielded."""
        ...

    @property
    def shielded(self) -> bool:
        """Whether this thread is putting something back."""
        ...

    def shield(self) -> AbstractContextManager[None]:
        """Within it, waits of this thread run to their end: what puts things back must not be cut off."""
        ...


@dataclass(frozen=True, slots=True)
class World:
    """All ports of one run, and where its logs go.

    `decisions` collects what the gates of a traffic shift said, with the figures, for the ledger.
    """

    environment: Environment
    root: Path
    logs: Path
    platform: Platform
    gates: Gates
    builder: Builder
    registry: Registry
    infrastructure: Infrastructure
    compute: Compute
    traffic: Traffic
    metrics: Metrics
    preflight: Preflight
    migrations: Migrations
    probe: Probe
    ledger: Ledger
    lease: Lease
    journal: Journal
    abort: Abort
    clock: Clock
    say: Say
    decisions: list[Mapping[str, object]] = field(default_factory=list)
