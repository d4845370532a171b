"""The nouns of a deployment as values: frozen, typed, no I/O.

Data flows one way: terraform.tfvars -> Environment -> Release -> stages -> ports -> Outcome -> ledger, console.

Longer than other files on purpose: it is the glossary, and nouns explain each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Literal, NoReturn

PROJECT = "indivillage"
SERVICES = ("backend", "frontend")
"""Deployed in this order: a new frontend may call what only the new backend has, never the other way round."""
DEPLOYER = "deployer"
"""The deployer's own image: the scheduled reconciler runs it. It is no service and no part of a release."""


class Color(StrEnum):
    """One of the two places a service's revision can run in (design: Traffic)."""

    BLUE = "blue"
    GREEN = "green"

    @property
    def other(self) -> Color:
        """The color beside this one."""
        return Color.GREEN if self is Color.BLUE else Color.BLUE


class Secret:
    """A value that must not be seen: redacts itself in repr, str, logs, JSON and tracebacks.

    Not a dataclass: `dataclasses.asdict` would write out the fields of whatever holds it.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The value itself, for the one call that needs it."""
        return self._value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __deepcopy__(self, _: object) -> Secret:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not written to a file")

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__


@dataclass(frozen=True, slots=True)
class Service:
    """What an environment wants of one service. `cpu` in CPU units (1024 = one vCPU), `memory` in MiB."""

    name: str
    cpu: int
    memory: int
    count: int
    port: int
    health_path: str
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a traffic shift: the new color's weight, and how long it must prove itself there."""

    weight_percent: int
    bake_s: int


@dataclass(frozen=True, slots=True)
class Limits:
    """What counts as trouble while a release takes over.

    `error_rate_percent` of failed requests, `latency_p95_ms` as the 95th percentile; `period_s` is how often the load
    balancer's metrics are published: a minute on AWS, a second on the local cloud.
    """

    error_rate_percent: float
    latency_p95_ms: float
    period_s: float


@dataclass(frozen=True, slots=True)
class Scaling:
    """Between how many tasks autoscaling may move a service of the live color."""

    fewest: int
    most: int


@dataclass(frozen=True, slots=True)
class Figures:
    """What one color's visitors met within a window, as CloudWatch has it.

    `errors` are 5xx answers of its tasks; `p95_ms` is None without a request, `age_s` (of the newest datum) is None
    without any datum. `own` are the load balancer's own 5xx answers (a target hung up, was late, was not there), which
    CloudWatch counts for both colors together: they are not among `errors`, and may not be among `requests`.
    """

    requests: int = 0
    errors: int = 0
    p95_ms: float | None = None
    age_s: float | None = None
    own: int = 0

    @property
    def failed(self) -> int:
        """How many requests failed if the load balancer's own answers are held against this color."""
        return self.errors + self.own


@dataclass(frozen=True, slots=True)
class Environment:
    """One environment as its terraform.tfvars describes it.

    `bake_factor` scales the bake times of `steps`: 1 on AWS, less in a rehearsal on the local cloud. `test_cidrs` are
    the address ranges from which the test listener can be reached on AWS; nobody can while there is none. `stand_in`
    marks what is made in the second region when the first one is lost (docs/infrastructure/region-failure.md). `tags`
    stand on everything that the deployer makes, as they do on what Terraform makes (`local.tags` in main.tf).
    """

    name: str
    short_name: str
    domain: str
    region: str
    replica_region: str
    account_id: str
    cloud: Literal["local", "aws"]
    branch: str
    strategy: Literal["rolling", "blue_green"]
    steps: tuple[Step, ...]
    bake_factor: float
    steady_timeout_s: int
    limits: Limits
    scaling: Scaling
    services: Mapping[str, Service]
    tfvars: Path
    config_hash: str
    tags: Mapping[str, str]
    test_cidrs: tuple[str, ...] = ()
    stand_in: bool = False

    @property
    def prefix(self) -> str:
        """What the names of this environment's resources start with; Terraform says the same.

        A stand-in has names of its own: those of a lost region's buckets and roles stay taken.
        """
        return f"{PROJECT}-{self.short_name}{'2' if self.stand_in else ''}"

    @property
    def state_bucket(self) -> str:
        """Bucket of Terraform's state, the ledger and the lease; the deployer bootstraps it."""
        return f"{self.prefix}-state-{self.account_id}"

    @property
    def state_key_alias(self) -> str:
        """Name of the KMS key that encrypts what is in the state bucket, on AWS; the deployer makes it, too."""
        return f"alias/{self.prefix}-state"

    @property
    def reconciled(self) -> bool:
        """Whether a scheduled task settles what a run that nobody restarts left behind; Terraform decides the same.

        Only blue/green leaves anything: a rolling update is ended by ECS itself.
        """
        return self.strategy == "blue_green"

    def between(self, service: str) -> Scaling:
        """Between how many tasks autoscaling may have moved the service; the configured count is never outside."""
        count = self.services[service].count
        return Scaling(min(self.scaling.fewest, count), max(self.scaling.most, count))

    @property
    def topology_parameter(self) -> str:
        """SSM parameter in which Terraform tells the deployer what it made."""
        return f"/{self.prefix.replace('-', '/')}/topology"


@dataclass(frozen=True, slots=True)
class BuiltImage:
    """An image in the local engine. `reference` names it there; `image_id` is its config digest (`sha256:…`)."""

    service: str
    reference: str
    image_id: str
    size_bytes: int
    cached: bool


@dataclass(frozen=True, slots=True)
class Image:
    """An image in the registry, by manifest digest (`sha256:…`): what was tested is what runs."""

    service: str
    repository: str
    digest: str
    tags: tuple[str, ...] = ()


FORCES = "(forces replacement)"
"""Ends the name of an attribute because of which a resource has to be replaced."""


@dataclass(frozen=True, slots=True)
class Change:
    """What a plan would do to one resource or output: `action` is create, update, replace or delete.

    `attributes` are the names of what would differ, never values: a plan holds secrets in the clear. `note` says what
    happens to the state rather than to the cloud. `loses_data` marks the end of what holds data, or that it is kept for
    less time than before.
    """

    action: str
    address: str
    attributes: tuple[str, ...] = ()
    note: str = ""
    loses_data: bool = False

    @property
    def ends(self) -> bool:
        """Whether what is there now will not be there any more."""
        return self.action in ("delete", "replace")


@dataclass(frozen=True, slots=True)
class Plan:
    """A saved Terraform plan. `apply` accepts only the file with this `sha256`, and from the same `commit`.

    `changes` leave out reads and no-ops. `planned_at` is None where nobody noted it: such a plan is never fresh.
    """

    path: Path
    sha256: str
    changes: tuple[Change, ...]
    planned_at: datetime | None = None
    commit: str = ""

    @property
    def empty(self) -> bool:
        """Whether applying it would change nothing."""
        return not self.changes

    @property
    def losses(self) -> tuple[str, ...]:
        """The addresses whose data would go."""
        return tuple(change.address for change in self.changes if change.loses_data)


@dataclass(frozen=True, slots=True)
class Difference:
    """One attribute of a resource that somebody changed around Terraform; what is sensitive is not in the words.

    `recorded` is what Terraform's state says, `wanted` its configuration, `found` the cloud. `attribute` is "" for a
    resource that is gone from the cloud.
    """

    address: str
    attribute: str
    recorded: str
    wanted: str
    found: str


@dataclass(frozen=True, slots=True)
class Drift:
    """Where the cloud differs from what Terraform made; `pending` counts what the next plan would change besides."""

    differences: tuple[Difference, ...]
    pending: int = 0


@dataclass(frozen=True, slots=True)
class ServiceTopology:
    """Where one service lives, as Terraform made it. `colors` maps to (ECS service name, target group ARN)."""

    name: str
    repository: str
    family: str
    container_port: int
    execution_role: str
    task_role: str
    log_group: str
    security_groups: tuple[str, ...]
    health_path: str
    environment: Mapping[str, str]
    color_environment: Mapping[Color, Mapping[str, str]]
    secrets: Mapping[str, str]
    colors: Mapping[Color, ColorTopology]


@dataclass(frozen=True, slots=True)
class ColorTopology:
    """The ECS service and the target group of one color.

    `scalable_target` is its resource id in Application Auto Scaling, None where there is none (the local cloud).
    """

    service: str
    target_group: str
    scalable_target: str | None = None


@dataclass(frozen=True, slots=True)
class ReconcilerTopology:
    """Where the scheduled reconciler lives: its schedule runs the newest task definition of `family`."""

    repository: str
    family: str
    execution_role: str
    task_role: str
    log_group: str


@dataclass(frozen=True, slots=True)
class Topology:
    """What Terraform made and the deployer moves; read from the SSM parameter `Environment.topology_parameter`.

    `test_host` is the public load balancer's name where `url` is CloudFront's, which has no test listener.
    """

    cluster: str
    url: str
    public_dns_name: str
    public_listener: str
    test_listener: str
    public_port: int
    test_port: int
    internal_listeners: Mapping[Color, str]
    subnets: tuple[str, ...]
    buckets: Mapping[str, str]
    services: Mapping[str, ServiceTopology]
    reconciler: ReconcilerTopology | None = None
    alarms: tuple[str, ...] = ()
    test_host: str | None = None

    @property
    def test_url(self) -> str:
        """Where the test listener is reached on AWS."""
        return f"https://{self.test_host}:{self.test_port}" if self.test_host else f"{self.url}:{self.test_port}"

    def scales(self, service: str, color: Color) -> bool:
        """Whether autoscaling owns the desired count of this color while it runs."""
        return self.services[service].colors[color].scalable_target is not None


@dataclass(frozen=True, slots=True)
class Revision:
    """What ECS says about one color of one service.

    `task_definition` is the PRIMARY deployment's ARN (None when nothing is wanted there); `release`, `commit` and
    `digest` are read from that task definition ("" for Terraform's placeholder). `rollout` is ECS's rolloutState.
    `content` hashes all that the task definition says, except which release it is of.
    """

    service: str
    color: Color
    task_definition: str | None
    release: str
    commit: str
    digest: str
    desired: int
    running: int
    rollout: str
    content: str = ""


@dataclass(frozen=True, slots=True)
class StoppedTask:
    """Why a task is no longer there: ECS's reason, the container's exit code and its last log lines."""

    task_arn: str
    task_definition: str
    container: str
    reason: str
    exit_code: int | None
    log_lines: tuple[str, ...]

    def told(self) -> tuple[str, ...]:
        """Lines that explain it to a person: reason, exit code, last words."""
        code = "no exit code" if self.exit_code is None else f"exit code {self.exit_code}"
        head = f"{self.container} task {self.task_arn.rsplit('/', 1)[-1]}: {self.reason} ({code})"
        return (head, *(f"  | {line}" for line in self.log_lines or ("(it wrote no log)",)))


@dataclass(frozen=True, slots=True)
class Target:
    """One registered target and the load balancer's opinion of it (ELBv2 TargetHealth)."""

    address: str
    state: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Harm:
    """What a migration does that the live release may not survive; `contract` says why it will, "" if nothing does."""

    file: str
    line: int
    what: str
    contract: str = ""


class Verdict(StrEnum):
    """How a release ended; the words of `history --json`."""

    GOOD = "good"
    FAILED = "failed"
    ROLLED_BACK = "rolled-back"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True)
class Release:
    """One unit of change: images by digest, their task definitions, the infrastructure plan, who, when and why.

    A stage fills in fields by returning them in `Outcome.learned`; nothing else changes a release.
    `task_definitions` maps service name to ARN. `kind` is `deploy` or `rollback`; `restores` names the release that
    a rollback brings back, `already` the one that was found to serve all of this. `counts` maps service name to the
    tasks that were brought up, once that is known: what autoscaling adds comes on top. A `fast` one takes all traffic
    at once, without the steps between. `fix_forward` is why it is released although an alarm fires. `allow_destroy` are
    the addresses of what may end although it holds data.
    """

    id: str
    environment: str
    commit: str
    actor: str
    started_at: datetime
    committed_at: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    kind: Literal["deploy", "rollback"] = "deploy"
    restores: str = ""
    config_hash: str = ""
    dirty: bool = False
    built: Mapping[str, BuiltImage] = field(default_factory=dict)
    images: Mapping[str, Image] = field(default_factory=dict)
    plan: Plan | None = None
    plan_sha256: str = ""
    migration_head: str = ""
    task_definitions: Mapping[str, str] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    color: Color = Color.BLUE
    already: str = ""
    fast: bool = False
    fix_forward: str = ""
    allow_destroy: tuple[str, ...] = ()

    @property
    def serves(self) -> str:
        """The release id that the running containers report: a rollback runs the task definitions of the old one."""
        return self.restores or self.id


@dataclass(frozen=True, slots=True)
class Record:
    """A release as the ledger keeps it: history and intent, never the truth about what runs.

    `dirty` says that its images hold files no commit has; records from before it was noted are taken for clean.
    `gates` are the decisions on each step of its traffic shift with their figures, `fix_forward` is why it was released
    although an alarm fired.
    """

    release: str
    environment: str
    commit: str
    kind: str
    restores: str
    outcome: Verdict | None
    started_at: datetime
    ended_at: datetime | None
    actor: str
    digests: Mapping[str, str]
    task_definitions: Mapping[str, str]
    plan_sha256: str
    config_hash: str
    migration_head: str
    reason: str
    stages: tuple[Mapping[str, object], ...] = ()
    dirty: bool = False
    gates: tuple[Mapping[str, object], ...] = ()
    fix_forward: str = ""

    @property
    def damaged(self) -> bool:
        """Whether it stands in for an object that cannot be read: nothing is known then but the release's name."""
        return not self.kind

    @classmethod
    def of(
        cls,
        release: Release,
        outcome: Verdict | None = None,
        *,
        ended_at: datetime | None = None,
        reason: str = "",
        stages: tuple[Mapping[str, object], ...] = (),
        gates: tuple[Mapping[str, object], ...] = (),
    ) -> Record:
        """The record of `release`: its intent while `outcome` is None, its history afterwards."""
        return cls(
            release=release.id,
            environment=release.environment,
            commit=release.commit,
            kind=release.kind,
            restores=release.restores,
            outcome=outcome,
            started_at=release.started_at,
            ended_at=ended_at,
            actor=release.actor,
            digests={name: image.digest for name, image in release.images.items()},
            task_definitions=dict(release.task_definitions),
            plan_sha256=release.plan_sha256,
            config_hash=release.config_hash,
            migration_head=release.migration_head,
            reason=reason,
            stages=stages,
            dirty=release.dirty,
            gates=gates,
            fix_forward=release.fix_forward,
        )


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds an environment's lease. `fencing` grows with every acquisition.

    `reason` says why somebody locked the environment by hand; no run is at work then.
    """

    owner: str
    expires_at: datetime
    fencing: int
    release: str = ""
    reason: str = ""


class Status(StrEnum):
    """How a stage ended; the words of `deploy --json`."""

    OK = "ok"
    CACHED = "cached"
    SKIPPED = "skipped"
    FAILED = "failed"
    UNDONE = "undone"


@dataclass(frozen=True, slots=True)
class Checked:
    """What check sessions came to: `summary` for people, and whether every one had passed before on the same inputs."""

    summary: str
    cached: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a stage's `run` returns.

    `note` is one line for people. `learned` holds fields of `Release` this stage filled in. `before` is whatever its
    `undo` needs. `settled` names later stages that have nothing left to do: the runner skips them.
    """

    note: str = ""
    learned: Mapping[str, object] = field(default_factory=dict)
    before: object = None
    status: Status = Status.OK
    settled: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StageResult:
    """One row of the final table and of `deploy --json`."""

    name: str
    status: Status
    duration_s: float
    note: str = ""


def release_id(environment: str, at: datetime, commit: str) -> str:
    """`<env>-<UTC yyyymmddThhmmssZ>-<sha7>`.

    >>> release_id("dev", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "0123456789abcdef")
    'dev-20260102T030405Z-0123456'
    """
    return f"{environment}-{at.astimezone(UTC):%Y%m%dT%H%M%SZ}-{commit[:7]}"
