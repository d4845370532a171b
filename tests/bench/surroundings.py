"""The environment variables that measured programs get: a home of their own, and none of the benchmark's session."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path

DROPPED = re.compile(
    r"^(AWS_|NOX|PYTEST|SMOKE_|INV_|PYTHON)|^(VIRTUAL_ENV|CI|UV_CACHE_DIR|PIP_CACHE_DIR|XDG_CACHE_HOME|TF_DATA_DIR)$"
)
"""Keys that must not reach an emulator, caches that must be empty at a cold start, and what makes CI run every gate."""

SETTINGS = {
    "PIP_CONFIG_FILE": ".config/pip/pip.conf",
    "UV_CONFIG_FILE": ".config/uv/uv.toml",
    "DOCKER_CONFIG": ".docker",
    "GIT_CONFIG_GLOBAL": ".gitconfig",
    "TF_CLI_CONFIG_FILE": ".terraformrc",
    "TF_PLUGIN_MIRROR": ".terraform.d/plugins",
    "PYENV_ROOT": ".pyenv",
}
"""How this machine reaches its engine, its registries and its Python: a fresh home keeps these, they are no caches."""


def of_user(home: Path, environ: Mapping[str, str] = os.environ, session: Path = Path(sys.prefix)) -> dict[str, str]:
    """What a user with the empty home `home` would have on this machine. `session` is our own environment's folder."""
    kept = {name: value for name, value in environ.items() if not DROPPED.match(name)}
    folders = [folder for folder in kept.get("PATH", os.defpath).split(os.pathsep) if folder != str(session / "bin")]
    before = Path(environ.get("HOME", "/nonexistent"))
    for name, place in SETTINGS.items():
        if not Path(kept.get(name, "/nonexistent")).exists():
            kept.pop(name, None)
            if (before / place).exists():
                kept[name] = str(before / place)
    return kept | {"HOME": str(home), "PATH": os.pathsep.join(folders), "NO_COLOR": "1"}


def of_script(user: Mapping[str, str], checkout: Path, session: Path = Path(sys.prefix)) -> dict[str, str]:
    """The same for tests/bench/plain.sh: nox and uv are the checkout's, aws is the benchmark's."""
    tools = (str(checkout / ".venv" / "bin"), str(session / "bin"), user["PATH"])
    providers = checkout / ".cache" / "terraform" / "terraform.rc"
    named = {"TF_CLI_CONFIG_FILE": str(providers)} if providers.is_file() else {}
    return {**user, **named, "PATH": os.pathsep.join(tools)}


def of_cloud(user: Mapping[str, str], endpoint_url: str, session: Path = Path(sys.prefix)) -> dict[str, str]:
    """The same for a tool that speaks to the local cloud: ecs-deploy, aws."""
    keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_EC2_METADATA_DISABLED": "true"}
    region = {"AWS_REGION": "ap-south-1", "AWS_DEFAULT_REGION": "ap-south-1", "AWS_PAGER": ""}
    path = os.pathsep.join((str(session / "bin"), user["PATH"]))
    return {**user, **keys, **region, "AWS_ENDPOINT_URL": endpoint_url, "PATH": path}
