"""`terraform init` of one environment: left out when nothing it depends on has changed, repeated when it must be."""

from __future__ import annotations

import hashlib
import json
import re
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path

from deployer.errors import InputError
from deployer.tools import file_lock
from deployer.tools.terraform_output import failure
from deployer.tools.terraform_program import TerraformProgram

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


class TerraformInit:
    """Initialises `configuration` by `program`; what it keeps is in `folder`, the environment's own.

    `shared` is the folder of all environments. `described` is the environment's backend.hcl, `settings` override it.
    """

    def __init__(
        self,
        program: TerraformProgram,
        configuration: Path,
        *,
        folder: Path,
        shared: Path,
        described: Path,
        settings: Mapping[str, str],
        endpoint_url: str | None,
    ) -> None:
        self._program = program
        self._configuration = configuration
        self._folder = folder
        self._shared = shared
        self._described = described
        self._settings = settings
        self._endpoint_url = endpoint_url

    def ensure(self, say: Callable[[str], None], *, again: bool = False) -> None:
        """Initialise unless that was done on the same inputs. Raises InputError, GateFailed, Unreachable."""
        # The plugin cache is shared by all environments and is not safe for two inits at once.
        with file_lock.held(self._shared / "init.lock"):
            stamp = self._folder / "initialised"
            fingerprint = self.fingerprint()
            if not again and stamp.is_file() and stamp.read_text(encoding="utf-8") == fingerprint:
                return
            say("initialising Terraform")
            arguments = [f"-backend-config={self._described}", f"-backend-config={self.backend_file()}", "-reconfigure"]
            if (self._configuration / ".terraform.lock.hcl").is_file():
                arguments.append("-lockfile=readonly")
            log = self._folder / "init.log"
            log.unlink(missing_ok=True)
            finished, output = self._program.run("init", arguments, log, say)
            if not finished.ok:
                raise failure("initialise Terraform", output.errors, finished, unlock=self.unlock)
            stamp.write_text(self.fingerprint(), encoding="utf-8")

    def backend_file(self) -> Path:
        """Write what this run says of the backend besides its backend.hcl."""
        settings = {name: json.dumps(value) for name, value in self._settings.items()}
        if self._endpoint_url and "bucket" in self._settings:
            settings |= dict.fromkeys(_LOCAL_BACKEND, "true")
            settings["endpoints"] = f"{{ s3 = {json.dumps(self._endpoint_url)} }}"
        file = self._folder / "backend.hcl"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("".join(f"{name} = {value}\n" for name, value in settings.items()), encoding="utf-8")
        return file

    def fingerprint(self) -> str:
        """Hash what `init` depends on: versions, lock file, modules, backend, where providers come from."""
        digest = hashlib.sha256()
        lock = self._configuration / ".terraform.lock.hcl"
        parts = [self._program.version, self._backend(), json.dumps(self._settings), str(self._endpoint_url)]
        parts += [
            self._program.environment.get("TF_CLI_CONFIG_FILE", ""),
            lock.read_text(encoding="utf-8") if lock.is_file() else "",
        ]
        for file in sorted(self._configuration.rglob("*.tf")):
            parts += _DECLARED.findall(file.read_text(encoding="utf-8"))
        for part in parts:
            digest.update(part.encode() + b"\0")
        return digest.hexdigest()

    @property
    def state_key(self) -> str:
        """The name of the state's object in its bucket."""
        key = _KEY.search(self._backend())
        return key[1] if key else "terraform.tfstate"

    @property
    def unlock(self) -> str:
        """The command that breaks the state's lock, up to the lock's id."""
        keys = "AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test " if self._endpoint_url else ""
        data, configuration = shlex.quote(str(self._folder / "data")), shlex.quote(str(self._configuration))
        return f"{keys}TF_DATA_DIR={data} terraform -chdir={configuration} force-unlock"

    def _backend(self) -> str:
        if not self._described.is_file():
            seen = f"{self._described} does not exist"
            raise InputError("initialise Terraform", seen, "each environment has a backend.hcl")
        return self._described.read_text(encoding="utf-8")
