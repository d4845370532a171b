"""The terraform program: which version it is, the environment it is given, and one run of it.

It is interrupted with SIGINT, as at a terminal: SIGTERM would also reach its providers and cut them off in the middle
of a change. A user's shell settings for Terraform are left out, and so are AWS settings where the local cloud is meant.
"""

from __future__ import annotations

import json
import re
import shutil
import signal
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path

from deployer.errors import Unreachable
from deployer.tools import process
from deployer.tools.terraform_mirror import Mirrors
from deployer.tools.terraform_output import Output

_OLDEST = (1, 11)
_INSTALL = "install Terraform 1.11 or newer: https://developer.hashicorp.com/terraform/install"
_LOCK_TIMEOUT = "-lock-timeout=10s"
_FOREIGN = re.compile(r"TF_CLI_ARGS.*|TF_WORKSPACE|TF_DATA_DIR|TF_CLI_CONFIG_FILE|TF_PLUGIN_CACHE_DIR")
"""What a user's shell may hold and would make our runs differ from what we say they do."""


class TerraformProgram:
    """Runs terraform on `configuration` with `data` as its data folder.

    `cache` is the repository's `.cache/`. `endpoint_url` is the local cloud's, None on AWS.
    """

    def __init__(
        self,
        configuration: Path,
        *,
        data: Path,
        cache: Path,
        region: str,
        endpoint_url: str | None,
        environ: Mapping[str, str],
    ) -> None:
        self._configuration = configuration
        self._data = data
        self._cache = cache
        self._region = region
        self._endpoint_url = endpoint_url
        self._environ = environ

    def run(
        self, command: str, arguments: Sequence[str], log: Path, say: Callable[[str], None]
    ) -> tuple[process.Finished, Output]:
        """Run init, plan or apply to its end; what it meant is the caller's to judge."""
        output = Output(say)
        lock = [] if command == "init" else [_LOCK_TIMEOUT]
        finished = process.run(
            ["terraform", command, "-json", "-input=false", *lock, *arguments],
            cwd=self._configuration,
            env=self.environment,
            log=log,
            on_line=output.hear,
            render=output.render,
            install=_INSTALL,
            stop_signal=signal.SIGINT,
            grace_s=120.0 if command == "apply" else 15.0,
        )
        return finished, output

    def captured(self, *arguments: str, log: Path | None = None) -> process.Finished:
        """Run a command that only answers; its stdout is in `Finished.output`."""
        return process.run(
            ["terraform", *arguments],
            cwd=self._configuration,
            env=self.environment,
            capture=True,
            log=log,
            install=_INSTALL,
            timeout_s=120,
        )

    @cached_property
    def version(self) -> str:
        """Its version; asked again only when the program has changed. Raises Unreachable when it is too old."""
        note = self._cache / "terraform" / "version.json"
        found = shutil.which("terraform", path=self.environment.get("PATH"))
        stat = Path(found).stat() if found else None
        program = [found, stat.st_mtime_ns, stat.st_size] if stat else []
        try:
            known = json.loads(note.read_text(encoding="utf-8"))
            if program and known["program"] == program:
                return str(known["version"])
        except (OSError, ValueError, KeyError, TypeError):
            pass  # never asked, or the note is damaged
        version = self._ask_version()
        note.parent.mkdir(parents=True, exist_ok=True)
        note.write_text(json.dumps({"program": program, "version": version}), encoding="utf-8")
        return version

    def _ask_version(self) -> str:
        finished = self.captured("version", "-json")
        try:
            version = str(json.loads(finished.output)["terraform_version"])
            numbers = tuple(int(part) for part in version.partition("-")[0].split("."))
        except (ValueError, KeyError):
            raise Unreachable("ask Terraform's version", "no answer", _INSTALL, details=finished.tail) from None
        if numbers < _OLDEST:
            raise Unreachable("use Terraform", f"version {version} is too old", _INSTALL)
        return version

    @cached_property
    def environment(self) -> dict[str, str]:
        """The variables it is run with."""
        env = {name: value for name, value in self._environ.items() if not _FOREIGN.fullmatch(name)}
        env |= Mirrors(self._cache, self._environ).environment()
        env |= {"TF_DATA_DIR": str(self._data), "TF_IN_AUTOMATION": "1", "CHECKPOINT_DISABLE": "1"}
        if self._endpoint_url:
            # A developer's real profile must never meet the local cloud, nor the other way round.
            env = {name: value for name, value in env.items() if not name.startswith("AWS_")}
            env |= {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_EC2_METADATA_DISABLED": "true"}
            env |= {"AWS_ENDPOINT_URL": self._endpoint_url}
        return env | {"AWS_REGION": self._region, "AWS_DEFAULT_REGION": self._region}
