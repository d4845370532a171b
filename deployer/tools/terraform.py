"""Terraform for one environment: the Infrastructure port.

Environments, clouds and checkouts do not disturb each other: each has a data folder and saved plans of its own under
`.cache/terraform/<instance>/<env>/`. `init` is skipped when nothing it depends on has changed, and repeated when
Terraform says that it must be.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from deployer.errors import GateFailed, InputError
from deployer.model import Environment, Plan, Topology
from deployer.tools import file_lock, plan_summary
from deployer.tools.clean_plan import CleanPlan, configuration_digest
from deployer.tools.saved_plans import SavedPlans
from deployer.tools.terraform_output import failure, needs_init
from deployer.tools.terraform_program import TerraformProgram

_PARALLELISM = "-parallelism=30"
"""Terraform's ten let quick resources queue behind load balancers and databases, which only wait (measured)."""
_LOCAL_BACKEND = (
    "skip_credentials_validation",
    "skip_region_validation",
    "skip_requesting_account_id",
    "skip_metadata_api_check",
    "use_path_style",
)
_KEY = re.compile(r'^\s*key\s*=\s*"([^"]+)"', re.MULTILINE)
_DECLARED = re.compile(r'^\s*(?:module\s+"|source\s*=|version\s*=|required_version\s*=|backend\s+").*$', re.MULTILINE)
"""The lines of a configuration that `init` acts on."""


class Terraform:
    """Plans and applies `configuration` for `environment`.

    `cache` is the repository's `.cache/`, `instance` names the cloud (the local cloud's name, or an AWS account id).
    `endpoint_url` is the local cloud's, None on AWS. `bootstrap` makes the state bucket, `read_serial` tells a state
    object by its key, `read_topology` reads what was made, `forget_topology` has it read anew. `fresh` plans even what
    has not changed. `variables` override the environment's file, `backend` its backend.hcl; None means the state bucket
    and region of `environment`.
    """

    def __init__(
        self,
        environment: Environment,
        *,
        configuration: Path,
        cache: Path,
        instance: str,
        endpoint_url: str | None,
        bootstrap: Callable[[], object],
        read_serial: Callable[[str], str],
        read_topology: Callable[[], Topology],
        forget_topology: Callable[[], None],
        fresh: bool = False,
        variables: Mapping[str, str] | None = None,
        backend: Mapping[str, str] | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self._environment = environment
        self._configuration = configuration
        self._cache = cache.absolute()
        self._folder = self._cache / "terraform" / instance / environment.short_name
        self._endpoint_url = endpoint_url
        self._bootstrap = bootstrap
        self._read_serial = read_serial
        self._read_topology = read_topology
        self._forget_topology = forget_topology
        self._fresh = fresh
        self._variables = dict(variables or {})
        state = {"bucket": environment.state_bucket, "region": environment.region}
        self._backend = state if backend is None else dict(backend)
        self._program = TerraformProgram(
            configuration,
            data=self._folder / "data",
            cache=self._cache,
            region=environment.region,
            endpoint_url=endpoint_url,
            environ=os.environ if environ is None else environ,
        )
        self.plans = SavedPlans(self._folder / "plans")
        self._clean = CleanPlan(self._folder / "clean.json")

    def prepare(self, say: Callable[[str], None]) -> None:
        """Make the state bucket and initialise; quick when both are done. Raises Unreachable, GateFailed."""
        self._bootstrap()
        self._initialise(say)

    def unchanged(self) -> Plan | None:
        """Return the last plan if it was clean, and configuration and state are what it was made from."""
        if self._fresh or not self._clean.noted:
            return None
        return self._clean.last(self._inputs(), self._serial())

    def plan(self, log: Path, say: Callable[[str], None]) -> Plan:
        """Plan, save, and say what would change. Raises GateFailed, Locked, Unreachable."""
        inputs, serial = self._inputs(), self._serial()
        draft = self.plans.draft()
        arguments = ["-detailed-exitcode", f"-var-file={self._environment.tfvars.absolute()}", f"-out={draft}"]
        arguments += [f"-var={name}={value}" for name, value in self._variables.items()]
        attempted = f"plan the infrastructure of {self._environment.short_name}"
        try:
            finished, output = self._program.run("plan", arguments, log, say)
            if finished.returncode == 1 and needs_init(output.errors):
                self._initialise(say, again=True)
                finished, output = self._program.run("plan", arguments, log, say)
            if finished.returncode not in (0, 2) or finished.timed_out:
                raise failure(attempted, output.errors, finished, unlock=self._unlock)
            # Only a plan with changes is worth the second that reading it back costs (the provider's schema is loaded).
            shown = self._shown(draft, log) if finished.returncode == 2 else {}
            plan = self.plans.keep(draft, plan_summary.summarise(shown))
        finally:
            draft.unlink(missing_ok=True)
        for line in self.plans.lines(plan):
            say(line)
        if plan.empty and serial:
            self._clean.remember(plan, inputs, serial)
        return plan

    def apply(self, plan: Plan, log: Path, say: Callable[[str], None]) -> None:
        """Apply exactly the saved plan.

        Raises GateFailed when its file is gone, altered or stale; ReleaseFailed, Locked, Unreachable, StateUncertain.
        """
        self.plans.verify(plan)
        self._initialise(say)
        try:
            finished, output = self._program.run("apply", [_PARALLELISM, str(plan.path)], log, say)
        finally:
            # What was read before this (a recovery does) may be gone; an apply that failed has made some of it.
            self._forget_topology()
        if not finished.ok:
            attempted = f"apply the infrastructure of {self._environment.short_name}"
            raise failure(attempted, output.errors, finished, unlock=self._unlock, applying=True)

    def topology(self) -> Topology:
        """Return what the last apply made."""
        return self._read_topology()

    def _initialise(self, say: Callable[[str], None], *, again: bool = False) -> None:
        # The plugin cache is shared by all environments and is not safe for two inits at once.
        with file_lock.held(self._cache / "terraform" / "init.lock"):
            stamp = self._folder / "initialised"
            fingerprint = self._fingerprint()
            if not again and stamp.is_file() and stamp.read_text(encoding="utf-8") == fingerprint:
                return
            say("initialising Terraform")
            arguments = [f"-backend-config={self._environment.tfvars.absolute().parent / 'backend.hcl'}"]
            arguments += [f"-backend-config={self._backend_file()}", "-reconfigure"]
            if (self._configuration / ".terraform.lock.hcl").is_file():
                arguments.append("-lockfile=readonly")
            log = self._folder / "init.log"
            log.unlink(missing_ok=True)
            finished, output = self._program.run("init", arguments, log, say)
            if not finished.ok:
                raise failure("initialise Terraform", output.errors, finished, unlock=self._unlock)
            stamp.write_text(self._fingerprint(), encoding="utf-8")

    def _shown(self, plan: Path, log: Path) -> dict[str, Any]:
        finished = self._program.captured("show", "-json", str(plan), log=log)
        if not finished.ok:
            raise GateFailed("read the plan back", "terraform show failed", details=finished.tail, log=log)
        shown: dict[str, Any] = json.loads(finished.output)
        return shown

    def _backend_file(self) -> Path:
        settings = {name: json.dumps(value) for name, value in self._backend.items()}
        if self._endpoint_url and "bucket" in self._backend:
            settings |= dict.fromkeys(_LOCAL_BACKEND, "true")
            settings["endpoints"] = f"{{ s3 = {json.dumps(self._endpoint_url)} }}"
        file = self._folder / "backend.hcl"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("".join(f"{name} = {value}\n" for name, value in settings.items()), encoding="utf-8")
        return file

    def _fingerprint(self) -> str:
        """Hash what `init` depends on: versions, lock file, modules, backend, where providers come from."""
        digest = hashlib.sha256()
        backend = self._environment.tfvars.parent / "backend.hcl"
        if not backend.is_file():
            raise InputError("initialise Terraform", f"{backend} does not exist", "each environment has a backend.hcl")
        lock = self._configuration / ".terraform.lock.hcl"
        parts = [
            self._program.version,
            backend.read_text(encoding="utf-8"),
            json.dumps(self._backend),
            str(self._endpoint_url),
        ]
        parts += [
            self._program.environment.get("TF_CLI_CONFIG_FILE", ""),
            lock.read_text(encoding="utf-8") if lock.is_file() else "",
        ]
        for file in sorted(self._configuration.rglob("*.tf")):
            parts += _DECLARED.findall(file.read_text(encoding="utf-8"))
        for part in parts:
            digest.update(part.encode() + b"\0")
        return digest.hexdigest()

    def _inputs(self) -> str:
        """Hash all that a plan is made from, except the state."""
        own = {name: value for name, value in self._program.environment.items() if name.startswith("TF_VAR_")}
        parts = [self._fingerprint(), json.dumps([own, self._variables], sort_keys=True)]
        parts.append(configuration_digest(self._configuration, self._environment.tfvars.parent))
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()

    def _serial(self) -> str:
        backend = (self._environment.tfvars.parent / "backend.hcl").read_text(encoding="utf-8")
        key = _KEY.search(backend)
        return self._read_serial(key[1] if key else "terraform.tfstate")

    @property
    def _unlock(self) -> str:
        keys = "AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test " if self._endpoint_url else ""
        data, configuration = shlex.quote(str(self._folder / "data")), shlex.quote(str(self._configuration))
        return f"{keys}TF_DATA_DIR={data} terraform -chdir={configuration} force-unlock"
