"""environments/<env>/terraform.tfvars -> Environment.

Terraform reads the same file; this module reads it through python-hcl2 and validates what the deployer needs. Keys
that only Terraform uses are left to Terraform's own validation.
"""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from deployer.errors import ConfigError, InputError
from deployer.model import SERVICES, Environment, Service, Step

if TYPE_CHECKING:
    from pydantic import ValidationError

ENVIRONMENTS = {"development": "dev", "staging": "staging", "production": "prod"}
"""Folder under environments/ -> the short name used in resource names and on the command line."""

ENVIRONMENTS_FOLDER = Path("infrastructure/terraform/environments")


def folder(name: str) -> str:
    """The folder of the environment called `name` (`dev` or `development`, …). Raises InputError, naming the nearest."""
    for long, short in ENVIRONMENTS.items():
        if name in (long, short):
            return long
    known = [*ENVIRONMENTS.values(), *ENVIRONMENTS]
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
    raise InputError(
        "find the environment",
        f"there is no environment named {name!r}",
        f"did you mean --env={near[0]}?" if near else "known are --env=dev, --env=staging and --env=prod",
    )


def load(root: Path, name: str, cloud: str | None = None) -> Environment:
    """Read and validate one environment. `cloud` rehearses it elsewhere than its file says (`--cloud=local`).

    Raises InputError for an unknown name, ConfigError (file and key named) for a file that cannot be used.
    """
    tfvars = root / ENVIRONMENTS_FOLDER / folder(name) / "terraform.tfvars"
    values = _parse(tfvars, root)
    if cloud is not None:
        if cloud not in ("local", "aws"):
            raise InputError("choose the cloud", f"--cloud={cloud} is not known", "use --cloud=local or --cloud=aws")
        values = {**values, "cloud": cloud}
    environment = _validate(values, tfvars)
    if cloud == "aws" and _parse(tfvars, root).get("cloud") == "local":
        raise InputError(
            f"deploy {environment.name} to AWS",
            f"{_shown(tfvars, root)} says cloud = \"local\", so its account id is not a real one",
            "set cloud and account_id there, in a commit, and try again",
        )
    return environment


def _shown(path: Path, root: Path) -> str:
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)


def _parse(tfvars: Path, root: Path) -> dict[str, Any]:
    """The file as plain values, cached by content: the HCL grammar costs over a second to load (measured)."""
    try:
        text = tfvars.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(
            "read the environment", f"{_shown(tfvars, root)} does not exist", "every environment has a terraform.tfvars"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError("read the environment", f"{_shown(tfvars, root)}: {error}", "") from error
    cached = root / ".cache" / "tfvars" / f"{hashlib.sha256(text.encode()).hexdigest()}.json"
    try:
        stored = json.loads(cached.read_text(encoding="utf-8"))
        if isinstance(stored, dict):
            return stored
    except (OSError, ValueError):
        pass  # not cached, or damaged: the file itself is the truth
    values = _parse_hcl(text, _shown(tfvars, root))
    try:
        cached.parent.mkdir(parents=True, exist_ok=True)
        cached.write_text(json.dumps(values), encoding="utf-8")
    except OSError:
        pass  # a read-only checkout only costs the second again
    return values


def _parse_hcl(text: str, shown: str) -> dict[str, Any]:
    import hcl2
    from hcl2 import SerializationOptions
    from lark.exceptions import LarkError

    try:
        values = hcl2.loads(
            text if text.endswith("\n") else text + "\n",
            serialization_options=SerializationOptions(strip_string_quotes=True, explicit_blocks=False),
        )
    except (LarkError, ValueError, KeyError, AttributeError, TypeError, IndexError, RecursionError) as error:
        line = getattr(error, "line", None)
        where = f"{shown}, line {line}" if isinstance(line, int) and line > 0 else shown
        key = _key_near(text, line if isinstance(line, int) else 0)
        raise ConfigError(
            "read the environment",
            f"{where}{f' (near {key!r})' if key else ''}: this is not valid HCL",
            "`terraform fmt` on the file shows where it stops being readable",
        ) from error
    return {str(key): value for key, value in values.items() if not str(key).startswith("__")}


def _key_near(text: str, line: int) -> str:
    """The last key that starts a line at or above `line`, to point people at the right place."""
    for candidate in reversed(text.splitlines()[:line]):
        name, sign, _ = candidate.partition("=")
        if sign and name.strip().isidentifier():
            return name.strip()
    return ""


def _validate(values: Mapping[str, Any], tfvars: Path) -> Environment:
    from pydantic import BaseModel, ConfigDict, Field, ValidationError

    class _Base(BaseModel):
        model_config = ConfigDict(extra="ignore", frozen=True)

    class _Service(_Base):
        cpu: Literal[256, 512, 1024, 2048, 4096, 8192, 16384]
        memory: int = Field(ge=512, le=122880)
        count: int = Field(ge=1, le=100)
        port: int = Field(ge=1024, le=65535)
        health_path: str = Field(pattern=r"^/[\w./-]*$")
        environment: dict[str, str] = {}

    class _Step(_Base):
        weight_percent: int = Field(ge=1, le=100)
        bake_s: int = Field(ge=0, le=86400)

    class _Deployment(_Base):
        strategy: Literal["rolling", "blue_green"]
        steps: list[_Step] = Field(min_length=1)
        steady_timeout_s: int = Field(ge=10, le=3600)

    class _Tfvars(_Base):
        name: Literal["development", "staging", "production"]
        short_name: Literal["dev", "staging", "prod"]
        domain: str = Field(pattern=r"^[a-z0-9.-]+\.[a-z]+$")
        region: str = Field(pattern=r"^[a-z]{2}(-[a-z]+)+-\d$")
        replica_region: str = Field(pattern=r"^[a-z]{2}(-[a-z]+)+-\d$")
        account_id: str = Field(pattern=r"^\d{12}$")
        cloud: Literal["local", "aws"]
        branch: str = Field(min_length=1)
        deployment: _Deployment
        services: dict[Literal["backend", "frontend"], _Service]

    try:
        read = _Tfvars.model_validate(dict(values))
    except ValidationError as error:
        raise _config_error(error, tfvars) from error
    missing = [name for name in SERVICES if name not in read.services]
    if missing:
        raise ConfigError("read the environment", f"{tfvars}: services.{missing[0]} is missing", "both are deployed")
    return Environment(
        name=read.name,
        short_name=read.short_name,
        domain=read.domain,
        region=read.region,
        replica_region=read.replica_region,
        account_id=read.account_id,
        cloud=read.cloud,
        branch=read.branch,
        strategy=read.deployment.strategy,
        steps=tuple(Step(step.weight_percent, step.bake_s) for step in read.deployment.steps),
        steady_timeout_s=read.deployment.steady_timeout_s,
        services={name: Service(name, **service.model_dump()) for name, service in read.services.items()},
        tfvars=tfvars,
        config_hash=hashlib.sha256(json.dumps(values, sort_keys=True, default=str).encode()).hexdigest(),
    )


def _config_error(error: ValidationError, tfvars: Path) -> ConfigError:
    """The first problem in full, the others as details: a person mends one at a time."""
    lines = []
    for problem in error.errors(include_url=False):
        key = ".".join(str(part) for part in problem["loc"])
        got = "" if problem["type"] == "missing" else f" (it is {problem['input']!r:.60})"
        said = "is missing" if problem["type"] == "missing" else f"- {problem['msg']}{got}"
        lines.append(f"{key} {said}")
    place = "/".join(tfvars.parts[-2:])
    return ConfigError(
        "read the environment", f"{place}: {lines[0]}", "the keys are described in variables.tf", details=tuple(lines[1:])
    )
