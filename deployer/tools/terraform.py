"""Terraform for one environment: the Infrastructure port.

Environments, clouds and checkouts do not disturb each other: each has a data folder and saved plans of its own under
`.cache/terraform/<instance>/<env>/`. `init` is skipped when nothing it depends on has changed, and repeated when
Terraform says that it must be. Terraform is interrupted with SIGINT, as at a terminal: SIGTERM would also reach its
providers and cut them off in the middle of a change.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from deployer.errors import GateFailed, InputError, Unreachable
from deployer.model import Environment, Plan, Topology
from deployer.tools import file_lock, plan_summary, process
from deployer.tools.saved_plans import SavedPlans
from deployer.tools.terraform_mirror import Mirrors
from deployer.tools.terraform_output import Output, failure, needs_init

_OLDEST = (1, 11)
_INSTALL = "install Terraform 1.11 or newer: https://developer.hashicorp.com/terraform/install"
_LOCK_TIMEOUT = "-lock-timeout=10s"
_PARALLELISM = "-parallelism=30"
"""Terraform's ten let quick resources queue behind load balancers and databases, which only wait (measured)."""
_FOREIGN = re.compile(r"TF_CLI_ARGS.*|TF_WORKSPACE|TF_DATA_DIR|TF_CLI_CONFIG_FILE|TF_PLUGIN_CACHE_DIR")
"""What a user's shell may hold and would make our runs differ from what we say they do."""
_LOCAL_BACKEND = (
    "skip_credentials_validation",
    "skip_region_validation",
    "skip_requesting_account_id",
    "skip_metadata_api_check",
    "use_path_style",
)
_DECLARED = re.compile(r'^\s*(?:module\s+"|source\s*=|version\s*=|required_version\s*=|backend\s+").*$', re.MULTILINE)
"""The lines of a configuration that `init` acts on."""


class Terraform:
    """Plans and applies `configuration` for `environment`.

    `cache` is the repository's `.cache/`, `instance` names the cloud (the local cloud's name, or an AWS account id).
    `endpoint_url` is the local cloud's, None on AWS. `bootstrap` makes the state bucket, `read_topology` reads what was
    made. `variables` override the environment's file. `backend` overrides its backend.hcl; None means the state bucket
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
        read_topology: Callable[[], Topology],
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
        self._read_topology = read_topology
        self._variables = dict(variables or {})
        state = {"bucket": environment.state_bucket, "region": environment.region}
        self._backend = state if backend is None else dict(backend)
        self._environ = os.environ if environ is None else environ
        self.plans = SavedPlans(self._folder / "plans")

    def prepare(self, say: Callable[[str], None]) -> None:
        """Make the state bucket and initialise; quick when both are done. Raises Unreachable, GateFailed."""
        self._bootstrap()
        self._initialise(say)

    def plan(self, log: Path, say: Callable[[str], None]) -> Plan:
        """Plan, save, and say what would change. Raises GateFailed, Locked, Unreachable."""
        draft = self.plans.draft()
        arguments = ["-detailed-exitcode", f"-var-file={self._environment.tfvars.absolute()}", f"-out={draft}"]
        arguments += [f"-var={name}={value}" for name, value in self._variables.items()]
        attempted = f"plan the infrastructure of {self._environment.short_name}"
        try:
            finished, output = self._run("plan", arguments, log, say)
            if finished.returncode == 1 and needs_init(output.errors):
                self._initialise(say, again=True)
                finished, output = self._run("plan", arguments, log, say)
            if finished.returncode not in (0, 2) or finished.timed_out:
                raise failure(attempted, output.errors, finished, unlock=self._unlock)
            # Only a plan with changes is worth the second that reading it back costs (the provider's schema is loaded).
            shown = self._shown(draft, log) if finished.returncode == 2 else {}
            plan = self.plans.keep(draft, plan_summary.summarise(shown))
        finally:
            draft.unlink(missing_ok=True)
        for line in self.plans.lines(plan):
            say(line)
        return plan

    def apply(self, plan: Plan, log: Path, say: Callable[[str], None]) -> None:
        """Apply exactly the saved plan.

        Raises GateFailed when its file is gone, altered or stale; ReleaseFailed, Locked, Unreachable, StateUncertain.
        """
        self.plans.verify(plan)
        self._initialise(say)
        finished, output = self._run("apply", [_PARALLELISM, str(plan.path)], log, say)
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
            finished, output = self._run("init", arguments, log, say)
            if not finished.ok:
                raise failure("initialise Terraform", output.errors, finished, unlock=self._unlock)
            stamp.write_text(self._fingerprint(), encoding="utf-8")

    def _run(
        self, command: str, arguments: Sequence[str], log: Path, say: Callable[[str], None]
    ) -> tuple[process.Finished, Output]:
        output = Output(say)
        lock = [] if command == "init" else [_LOCK_TIMEOUT]
        finished = process.run(
            ["terraform", command, "-json", "-input=false", *lock, *arguments],
            cwd=self._configuration,
            env=self._env,
            log=log,
            on_line=output.hear,
            render=output.render,
            install=_INSTALL,
            stop_signal=signal.SIGINT,
            grace_s=120.0 if command == "apply" else 15.0,
        )
        return finished, output

    def _shown(self, plan: Path, log: Path) -> dict[str, Any]:
        finished = self._captured("show", "-json", str(plan), log=log)
        if not finished.ok:
            raise GateFailed("read the plan back", "terraform show failed", details=finished.tail, log=log)
        shown: dict[str, Any] = json.loads(finished.output)
        return shown

    def _captured(self, *arguments: str, log: Path | None = None) -> process.Finished:
        argv = ["terraform", *arguments]
        env = self._env
        return process.run(
            argv, cwd=self._configuration, env=env, capture=True, log=log, install=_INSTALL, timeout_s=120
        )

    @cached_property
    def _version(self) -> str:
        finished = self._captured("version", "-json")
        try:
            version = str(json.loads(finished.output)["terraform_version"])
            numbers = tuple(int(part) for part in version.partition("-")[0].split("."))
        except (ValueError, KeyError):
            raise Unreachable("ask Terraform's version", "no answer", _INSTALL, details=finished.tail) from None
        if numbers < _OLDEST:
            raise Unreachable("use Terraform", f"version {version} is too old", _INSTALL)
        return version

    @cached_property
    def _env(self) -> dict[str, str]:
        env = {name: value for name, value in self._environ.items() if not _FOREIGN.fullmatch(name)}
        env |= Mirrors(self._cache, self._environ).environment()
        env |= {"TF_DATA_DIR": str(self._folder / "data"), "TF_IN_AUTOMATION": "1", "CHECKPOINT_DISABLE": "1"}
        region = self._environment.region
        if self._endpoint_url:
            # A developer's real profile must never meet the local cloud, nor the other way round.
            env = {name: value for name, value in env.items() if not name.startswith("AWS_")}
            env |= {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_EC2_METADATA_DISABLED": "true"}
            env |= {"AWS_ENDPOINT_URL": self._endpoint_url}
        return env | {"AWS_REGION": region, "AWS_DEFAULT_REGION": region}

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
        parts = [self._version, backend.read_text(encoding="utf-8"), json.dumps(self._backend), str(self._endpoint_url)]
        parts += [self._env.get("TF_CLI_CONFIG_FILE", ""), lock.read_text(encoding="utf-8") if lock.is_file() else ""]
        for file in sorted(self._configuration.rglob("*.tf")):
            parts += _DECLARED.findall(file.read_text(encoding="utf-8"))
        for part in parts:
            digest.update(part.encode() + b"\0")
        return digest.hexdigest()

    @property
    def _unlock(self) -> str:
        keys = "AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test " if self._endpoint_url else ""
        return f"{keys}TF_DATA_DIR={self._folder / 'data'} terraform -chdir={self._configuration} force-unlock"
