"""environments/<env>/terraform.tfvars -> Environment.

Terraform reads the same file; this module reads it through python-hcl2 and validates what the deployer needs. Keys
that only Terraform uses are left to Terraform's own validation.
"""

from __future__ import annotations

import difflib
import hashlib
import json
from pathlib import Path
from typing import Any

from deployer import memory
from deployer.errors import ConfigError, InputError
from deployer.model import PROJECT, SERVICES, Environment, Limits, Scaling, Service, Step

ENVIRONMENTS = {"development": "dev", "staging": "staging", "production": "prod"}
"""Folder under environments/ -> the short name used in resource names and on the command line."""

LOCAL_PERIOD_S = 1
"""The local cloud publishes its load balancers' metrics every second, in every environment."""

LOCAL_ACCOUNT = "000000000000"
"""The local cloud is one account, whatever account an environment has on AWS."""

ENVIRONMENTS_FOLDER = Path("infrastructure/terraform/environments")


MEMORY = Path(".cache/tfvars")
SCHEMA = Path(__file__).with_name("tfvars.py")


def folder(name: str) -> str:
    """The folder of the environment called `name` (`dev`, `development`, …). Raises InputError, naming the nearest."""
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
    if cloud not in (None, "local", "aws"):
        raise InputError("choose the cloud", f"--cloud={cloud} is not known", "use --cloud=local or --cloud=aws")
    if cloud == "aws" and values.get("cloud") == "local":
        raise InputError(
            f"take {name} to AWS",
            f'{_shown(tfvars, root)} says cloud = "local", so its account id is not a real one',
            "set cloud and account_id there, in a commit, and try again",
        )
    return _validate({**values, "cloud": cloud} if cloud else values, tfvars, root)


def terraform_variables(environment: Environment) -> dict[str, str]:
    """What Terraform is told beside the environment's file, which says where it lives and not where it is rehearsed.

    On the local cloud development makes what an account has once, whoever does on AWS.
    """
    if environment.cloud == "aws":
        return {"cloud": "aws"}
    owns = environment.short_name == ENVIRONMENTS["development"]
    return {"cloud": "local", "account_id": environment.account_id, "owns_account": str(owns).lower()}


def values(root: Path, name: str) -> dict[str, Any]:
    """All that an environment's file says, also what only Terraform reads. Raises InputError, ConfigError."""
    return _parse(root / ENVIRONMENTS_FOLDER / folder(name) / "terraform.tfvars", root)


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
    place = memory.place_of(root / MEMORY, text, Path(__file__))
    known = memory.recall(place)
    if isinstance(known, dict):
        return known
    values = _parse_hcl(text, _shown(tfvars, root))
    memory.note(place, values)
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


def _validate(values: dict[str, Any], tfvars: Path, root: Path) -> Environment:
    described = json.dumps(values, sort_keys=True, default=str)
    read = _checked(values, described, tfvars, root)
    short_name = ENVIRONMENTS[tfvars.parent.name]
    if (read["name"], read["short_name"]) != (tfvars.parent.name, short_name):
        raise ConfigError(
            "read the environment",
            f"{_shown(tfvars, root)}: name and short_name are {read['name']!r} and {read['short_name']!r}",
            f"here they have to be {tfvars.parent.name!r} and {short_name!r}, or another environment is changed",
        )
    deployment, alarms = read["deployment"], read["alarms"]
    return Environment(
        name=read["name"],
        short_name=read["short_name"],
        domain=read["domain"],
        region=read["region"],
        replica_region=read["replica_region"],
        account_id=LOCAL_ACCOUNT if read["cloud"] == "local" else read["account_id"],
        cloud=read["cloud"],
        branch=read["branch"],
        strategy=deployment["strategy"],
        steps=tuple(Step(**step) for step in deployment["steps"]),
        bake_factor=deployment["rehearsal_factor"] if read["cloud"] == "local" else 1.0,
        steady_timeout_s=deployment["steady_timeout_s"],
        limits=Limits(
            alarms["error_rate_percent"],
            alarms["latency_p95_ms"],
            LOCAL_PERIOD_S if read["cloud"] == "local" else alarms["period_s"],
        ),
        scaling=Scaling(read["scaling"]["min"], read["scaling"]["max"]),
        services={name: Service(name=name, **read["services"][name]) for name in SERVICES},
        tfvars=tfvars,
        config_hash=hashlib.sha256(described.encode()).hexdigest(),
        tags={
            "project": PROJECT,
            "environment": read["name"],
            "version": read["infrastructure_version"],
            "deployment": f"{read['branch']}-{deployment['strategy']}",
            "owner": read["owner"],
            "cost_centre": read["cost_centre"],
        },
        test_cidrs=tuple(read["access"]["test_cidrs"]),
        stand_in=read["stand_in"],
    )


def _checked(values: dict[str, Any], described: str, tfvars: Path, root: Path) -> dict[str, Any]:
    """What the schema makes of `values`; a pass is remembered: pydantic costs a fifth of a second (measured)."""
    place = memory.place_of(root / MEMORY, described, SCHEMA)
    known = memory.recall(place)
    if isinstance(known, dict):
        return known
    from deployer.tfvars import validate

    read = validate(values)
    if isinstance(read, tuple):
        raise ConfigError(
            "read the environment",
            f"{_shown(tfvars, root)}: {read[0]}",
            "variables.tf beside the environments describes every key",
            details=read[1:],
        )
    checked = read.model_dump(mode="json")
    memory.note(place, checked)
    return checked
