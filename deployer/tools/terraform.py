"""Terraform for one environment: the Infrastructure port.

Environments, clouds and checkouts do not disturb each other: each has a data folder and saved plans of its own under
`.cache/terraform/<instance>/<env>/`. `init` is skipped when nothing it depends on has changed, and repeated when
Terraform says that it must be.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from deployer.errors import GateFailed, InputError
from deployer.model import Drift, Environment, Plan, Topology
from deployer.tools import plan_drift, plan_summary
from deployer.tools.clean_plan import CleanPlan, configuration_digest
from deployer.tools.saved_plans import SavedPlans
from deployer.tools.terraform_init import TerraformInit
from deployer.tools.terraform_output import failure, needs_init
from deployer.tools.terraform_program import TerraformProgram

_PARALLELISM = "-parallelism=30"
"""Terraform's ten let quick resources queue behind load balancers and databases, which only wait (measured)."""


class Terraform:
    """Plans and applies `configuration` for `environment`.

    `cache` is the repository's `.cache/`, `instance` names the cloud (the local cloud's name, or an AWS account id).
    `endpoint_url` is the local cloud's, None on AWS. `bootstrap` makes the state bucket, `read_serial` tells a state
    object by its key, `read_topology` reads what was made, `forget_topology` has it read anew, `tag_state` gives the
    state's bucket the tags of what is applied. `fresh` plans even what
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
        tag_state: Callable[[], object],
        fresh: bool = False,
        variables: Mapping[str, str] | None = None,
        backend: Mapping[str, str] | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self._environment = environment
        self._configuration = configuration
        shared = cache.absolute() / "terraform"
        folder = shared / instance / environment.short_name
        self._bootstrap = bootstrap
        self._read_serial = read_serial
        self._read_topology = read_topology
        self._forget_topology = forget_topology
        self._tag_state = tag_state
        self._fresh = fresh
        self._variables = dict(variables or {})
        self._program = TerraformProgram(
            configuration,
            data=folder / "data",
            cache=cache.absolute(),
            region=environment.region,
            endpoint_url=endpoint_url,
            environ=os.environ if environ is None else environ,
        )
        state = {"bucket": environment.state_bucket, "region": environment.region}
        if environment.cloud == "aws":
            state["kms_key_id"] = environment.state_key_alias  # by itself Terraform asks for S3's own key
        self._init = TerraformInit(
            self._program,
            configuration,
            folder=folder,
            shared=shared,
            described=environment.tfvars.absolute().parent / "backend.hcl",
            settings=state if backend is None else dict(backend),
            endpoint_url=endpoint_url,
        )
        self._plans = SavedPlans(folder / "plans")
        self._clean = CleanPlan(folder / "clean.json")

    def prepare(self, say: Callable[[str], None]) -> None:
        """Make the state bucket and initialise; quick when both are done. Raises Unreachable, GateFailed."""
        self._bootstrap()
        self._init.ensure(say)

    def unchanged(self) -> Plan | None:
        """Return the last plan if it was clean, and configuration and state are what it was made from."""
        if self._fresh or not self._clean.noted:
            return None
        return self._clean.last(self._inputs(), self._read_serial(self._init.state_key))

    def plan(self, commit: str, log: Path, say: Callable[[str], None]) -> Plan:
        """Plan what `commit` says, and save it. Raises GateFailed, Locked, Unreachable."""
        inputs, serial = self._inputs(), self._read_serial(self._init.state_key)
        draft = self._plans.draft()
        try:
            shown = self._planned(draft, f"plan the infrastructure of {self._environment.short_name}", (), log, say)
            plan = self._plans.keep(draft, plan_summary.summarise(shown), commit=commit, inputs=inputs)
        finally:
            draft.unlink(missing_ok=True)
        if plan.empty and serial:
            self._clean.remember(plan, inputs, serial)
        return plan

    def saved(self) -> Plan | None:
        """Return the plan that was made last, for an `apply` in a later process; None without any.

        Raises GateFailed when its note is damaged, or the files it was made from have changed since.
        """
        latest = self._plans.latest()
        if latest is None:
            return None
        plan, inputs = latest
        if inputs != self._inputs():
            seen = "the configuration, a variable or Terraform itself is no longer what it was made from"
            raise GateFailed(f"apply the plan {plan.sha256[:12]}", seen, "plan again: inv plan")
        return plan

    def drift(self, log: Path, say: Callable[[str], None]) -> Drift:
        """Compare the state and the cloud. No lock is taken, the state is not written, and the plan is not kept.

        Raises InputError before the first apply; GateFailed, Unreachable.
        """
        attempted = f"look for drift in {self._environment.short_name}"
        if not self._read_serial(self._init.state_key):
            seen = "there is no state: nothing was ever applied that could have been changed"
            raise InputError(attempted, seen, f"inv deploy --env={self._environment.short_name}")
        draft = self._plans.draft()
        try:
            return plan_drift.found(self._planned(draft, attempted, ("-lock=false",), log, say))
        finally:
            draft.unlink(missing_ok=True)

    def apply(self, plan: Plan, log: Path, say: Callable[[str], None]) -> None:
        """Apply exactly the saved plan.

        Raises GateFailed when its file is gone, altered or stale; ReleaseFailed, Locked, Unreachable, StateUncertain.
        """
        self._plans.verify(plan)
        self._init.ensure(say)
        self._tag_state()
        try:
            finished, output = self._program.run("apply", [_PARALLELISM, str(plan.path)], log, say)
        finally:
            # What was read before this (a recovery does) may be gone; an apply that failed has made some of it.
            self._forget_topology()
        if not finished.ok:
            attempted = f"apply the infrastructure of {self._environment.short_name}"
            raise failure(attempted, output.errors, finished, unlock=self._init.unlock, applying=True)

    def topology(self) -> Topology:
        """Return what the last apply made."""
        return self._read_topology()

    def _planned(
        self, draft: Path, attempted: str, options: Sequence[str], log: Path, say: Callable[[str], None]
    ) -> dict[str, Any]:
        """Plan into `draft`; return it as Terraform shows it, {} when it holds no change."""
        arguments = ["-detailed-exitcode", f"-var-file={self._environment.tfvars.absolute()}", f"-out={draft}"]
        arguments += [*options, *(f"-var={name}={value}" for name, value in self._variables.items())]
        finished, output = self._program.run("plan", arguments, log, say)
        if finished.returncode == 1 and needs_init(output.errors):
            self._init.ensure(say, again=True)
            finished, output = self._program.run("plan", arguments, log, say)
        if finished.returncode not in (0, 2) or finished.timed_out:
            raise failure(attempted, output.errors, finished, unlock=self._init.unlock)
        # Only a plan with changes is worth the second that reading it back costs (the provider's schema is loaded).
        return self._shown(draft, log) if finished.returncode == 2 else {}

    def _shown(self, plan: Path, log: Path) -> dict[str, Any]:
        finished = self._program.captured("show", "-json", str(plan), log=log)
        if not finished.ok:
            raise GateFailed("read the plan back", "terraform show failed", details=finished.tail, log=log)
        shown: dict[str, Any] = json.loads(finished.output)
        return shown

    def _inputs(self) -> str:
        """Hash all that a plan is made from, except the state."""
        own = {name: value for name, value in self._program.environment.items() if name.startswith("TF_VAR_")}
        parts = [self._init.fingerprint(), json.dumps([own, self._variables], sort_keys=True)]
        parts.append(configuration_digest(self._configuration, self._environment.tfvars.parent))
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()
