"""Looks at a release from outside, as a visitor and as QA: the Probe port.

The checks themselves are tests/containers (Testinfra and HTTP), run as the nox session `containers`: QA and the
pipeline run the same thing. What a check could not do counts as not run, never as passed.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from xml.etree import ElementTree as ET

from deployer.errors import DeployError, GateFailed, ReleaseFailed
from deployer.model import Environment
from deployer.tools import samples
from deployer.tools.nox_gates import NoxGates
from deployer.tools.reach import reachable

SESSION = "containers"
_TIMEOUT_S = 600.0
_PATIENCE_S = 10.0
_EXCERPT = 300


@dataclass(frozen=True, slots=True)
class Checked:
    """What a JUnit report says. `failed` and `not_run` are (check, reason) pairs."""

    total: int
    failed: tuple[tuple[str, str], ...]
    not_run: tuple[tuple[str, str], ...]

    @property
    def passed(self) -> int:
        """How many checks ran and found what they wanted."""
        return self.total - len(self.failed) - len(self.not_run)


def checked(report: Path) -> Checked | None:
    """Read a JUnit report; None when there is none that can be read."""
    try:
        # Our own pytest wrote it.
        cases = list(ET.parse(report).getroot().iter("testcase"))  # noqa: S314 # nosec B314
    except (OSError, ET.ParseError):
        return None
    failed, not_run = [], []
    for case in cases:
        name = str(case.get("name"))
        bad = [*case.findall("failure"), *case.findall("error")]
        failed += [(name, (element.get("message") or element.text or "").strip()) for element in bad]
        not_run += [(name, str(element.get("message") or "")) for element in case.findall("skipped")]
    return Checked(len(cases), tuple(failed), tuple(not_run))


class Session(Protocol):
    """The part of NoxGates that is used here."""

    def run(
        self, sessions: list[str], log: Path, say: Callable[[str], None], *, arguments: list[str], timeout_s: float
    ) -> str:
        """Run sessions; raise GateFailed when one fails."""
        ...


class Smoke:
    """Probes `environment` through `url()`, its idle color through `idle_url()`.

    `endpoint_url` is the local cloud's, None on AWS. `root` is the tree whose checks are run; `reports` is where the
    JUnit reports go, `root/reports` by default.
    """

    def __init__(
        self,
        root: Path,
        environment: Environment,
        url: Callable[[], str],
        idle_url: Callable[[], str],
        endpoint_url: str | None,
        *,
        reports: Path | None = None,
        environ: Mapping[str, str] | None = None,
        session: Callable[[Mapping[str, str]], Session] | None = None,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self._environment = environment
        self._urls = {False: url, True: idle_url}
        self._endpoint_url = endpoint_url
        self._reports = (reports or root / "reports").absolute()
        self._environ = os.environ if environ is None else environ
        self._session = session or (lambda extra: NoxGates(root, environ=self._environ, extra=extra))
        self._wait = wait

    def version(self, *, idle: bool = False) -> Mapping[str, str]:
        """`GET /api/version`, again for some seconds while it does not answer 200. Raises ReleaseFailed."""
        import httpx

        url = self._urls[idle]()
        target, headers = reachable(f"{url}/api/version")
        attempted = f"GET {url}/api/version"
        seen, pause_s = "", 0.2
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            try:
                response = httpx.get(target, headers=headers, timeout=5, trust_env=not headers)
                if response.status_code == 200 and isinstance(answer := response.json(), dict):
                    return {str(name): str(value) for name, value in answer.items()}
                seen = f"{response.status_code}: {response.text[:_EXCERPT]!r}"
            except (httpx.HTTPError, ValueError) as error:
                seen = f"{type(error).__name__}: {error}"
            if time.monotonic() + pause_s > deadline:
                raise ReleaseFailed(attempted, seen, "the log lines of its tasks say why: inv status")
            self._wait(pause_s)
            pause_s = min(2 * pause_s, 2.0)

    def smoke(self, release_id: str, say: Callable[[str], None], log: Path, *, idle: bool = False) -> str:
        """Run the checks against the tasks that run `release_id`. Raises GateFailed with each failed check's reason."""
        report = self._reports / f"smoke-{self._environment.short_name}{'-idle' if idle else ''}.xml"
        report.parent.mkdir(parents=True, exist_ok=True)
        report.unlink(missing_ok=True)
        session = self._session(self._variables(release_id, self._urls[idle]()))
        started = time.monotonic()
        try:
            session.run([SESSION], log, say, arguments=[f"--junitxml={report}"], timeout_s=_TIMEOUT_S)
        except GateFailed as error:
            raise _failure(error, release_id, report) from error
        found = checked(report)
        if found is None or found.failed or not found.passed:
            seen = "no check was run" if found else f"{report} was not written"
            raise GateFailed(f"prove {release_id}", seen, f"run it alone: nox -s {SESSION}", log=log)
        told = f"{found.passed} check{'s' * (found.passed > 1)} passed in {time.monotonic() - started:.1f} s"
        reasons = sorted({reason for _, reason in found.not_run})
        return f"{told}, {len(found.not_run)} NOT RUN ({'; '.join(reasons)})" if reasons else told

    def sample(self, count: int, within_s: float, *, idle: bool = False) -> int:
        """Ask for pages as visitors do; what they met is in the load balancer's metrics."""
        return samples.sample(self._urls[idle](), count, within_s)

    def _variables(self, release_id: str, url: str) -> dict[str, str]:
        environment = self._environment
        variables = {
            "SMOKE_URL": url,
            "SMOKE_RELEASE": release_id,
            "SMOKE_ENVIRONMENT": environment.short_name,
            "SMOKE_CLOUD": environment.cloud,
            "SMOKE_CLUSTER": environment.prefix,
            "AWS_REGION": environment.region,
            "AWS_DEFAULT_REGION": environment.region,
        }
        if self._endpoint_url:
            keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_EC2_METADATA_DISABLED": "true"}
            return variables | keys | {"AWS_ENDPOINT_URL": self._endpoint_url}
        # On AWS the checks ask ECS what runs and Secrets Manager for the token: with the credentials of this run.
        return {name: value for name, value in self._environ.items() if name.startswith("AWS_")} | variables


def _failure(error: GateFailed, release_id: str, report: Path) -> DeployError:
    found = checked(report)
    if found is None or not found.failed:
        return error
    details = _told(found.failed)
    seen = f"{len(found.failed)} of {found.total} checks failed: {details[0]}"
    hint = f"everything the checks saw is in {report}"
    return GateFailed(f"prove {release_id}", seen, hint, details=details, log=error.log)


def _told(failed: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    """Return one line for each reason, with the checks that share it: one missing task fails many."""
    names: dict[str, list[str]] = {}
    for name, reason in failed:
        first = reason.splitlines()[0] if reason else "failed"
        names.setdefault(first.removeprefix("failed on setup with ").strip('"'), []).append(name)
    return tuple(f"{_some(checks)}: {reason.removeprefix('Failed: ')}" for reason, checks in names.items())


def _some(checks: Sequence[str]) -> str:
    return checks[0] if len(checks) == 1 else f"{checks[0]} and {len(checks) - 1} more"
