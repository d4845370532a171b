"""Where Terraform gets its providers on a machine that may not reach Terraform's registry.

A mirror is a folder that holds `registry.terraform.io/hashicorp/aws/…` for this platform, packed (zip files) or
unpacked (https://developer.hashicorp.com/terraform/cli/config/config-file#filesystem_mirror). It is looked for in this
order: TF_PLUGIN_MIRROR; Terraform's implied mirror folders; a search of a few roots, limited in depth and time, whose
result is kept. When one is found a CLI configuration file of ours names it and forbids the registry for what it holds.
Without one Terraform works as it always does. A user's own TF_CLI_CONFIG_FILE wins if it can be read; one that does not
exist is ignored (Terraform only warns about it, and then finds no mirror either).
"""

from __future__ import annotations

import json
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from deployer.errors import InputError

REGISTRY = "registry.terraform.io"
_PROVIDER = Path(REGISTRY, "hashicorp", "aws")
_ROOTS = ("~", "/opt", "/usr/local", "/usr/share", "/usr/lib", "/var/lib", "/srv")
_DEPTH = 4
_LIMIT_S = 2.0
_SKIPPED = frozenset({"node_modules", "site-packages", "proc", "sys", "dev", "docker", "containerd", "overlay2"})
_ARCHITECTURES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


@dataclass(frozen=True, slots=True)
class Mirror:
    """A provider mirror. A `packed` one is unpacked by every init, so a plugin cache pays."""

    path: Path
    packed: bool


def machine() -> str:
    """Return what Terraform calls this machine, such as `linux_amd64`."""
    return f"{sys.platform}_{_ARCHITECTURES.get(platform.machine().lower(), platform.machine().lower())}"


class Mirrors:
    """Finds the mirror and writes the CLI configuration. `cache` is the repository's `.cache/`, `home` the user's."""

    def __init__(
        self,
        cache: Path,
        environ: Mapping[str, str],
        *,
        home: Path | None = None,
        roots: Sequence[str] = _ROOTS,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._cache = cache / "terraform"
        self._environ = environ
        self._home = home or Path(environ.get("HOME") or Path.home())
        self._roots = roots
        self._monotonic = monotonic

    def environment(self) -> dict[str, str]:
        """Return the variables that tell Terraform where its providers are.

        TF_CLI_CONFIG_FILE is absent when Terraform should use its own defaults: the caller must not pass on another.
        Raises InputError when TF_PLUGIN_MIRROR names a folder that is no mirror.
        """
        plugins = self._environ.get("TF_PLUGIN_CACHE_DIR") or str(self._cache / "plugins")
        if (own := self._users_file()) and not self._environ.get("TF_PLUGIN_MIRROR"):
            return {"TF_CLI_CONFIG_FILE": str(own)}
        mirror = self.find()
        if mirror is None:
            return self._with_cache(plugins)
        variables = {"TF_CLI_CONFIG_FILE": str(self._written(mirror))}
        # An unpacked mirror is linked to, not copied: a cache between the two would only be one more place to go wrong.
        return variables | (self._with_cache(plugins) if mirror.packed else {})

    def find(self) -> Mirror | None:
        """Return the first mirror that serves this machine, None when there is none within the search's limits."""
        if named := self._environ.get("TF_PLUGIN_MIRROR"):
            mirror = usable(Path(named).expanduser().absolute())
            if mirror is None:
                raise InputError(
                    f"use TF_PLUGIN_MIRROR={named}",
                    f"it holds no {_PROVIDER} for {machine()}",
                    f"name the folder that contains {REGISTRY}, or unset the variable",
                )
            return mirror
        for folder in self._implied():
            if mirror := usable(folder):
                return mirror
        return self._searched()

    def _users_file(self) -> Path | None:
        named = self._environ.get("TF_CLI_CONFIG_FILE")
        path = Path(named) if named else self._home / ".terraformrc"
        return path if path.is_file() and os.access(path, os.R_OK) else None

    def _implied(self) -> Iterator[Path]:
        """Yield the folders Terraform itself takes for mirrors when nothing is configured."""
        yield self._home / ".terraform.d" / "plugins"
        if sys.platform == "darwin":
            yield self._home / "Library" / "Application Support" / "io.terraform" / "plugins"
            yield Path("/Library/Application Support/io.terraform/plugins")
        yield Path(self._environ.get("XDG_DATA_HOME") or self._home / ".local" / "share", "terraform", "plugins")
        shared = self._environ.get("XDG_DATA_DIRS") or "/usr/local/share:/usr/share"
        yield from (Path(folder, "terraform", "plugins") for folder in shared.split(":") if folder)

    def _searched(self) -> Mirror | None:
        note = self._cache / "mirror.json"
        key = {"machine": machine(), "roots": [str(self._home), *self._roots]}
        try:
            known = json.loads(note.read_text(encoding="utf-8"))
            if known["key"] == key and (mirror := usable(Path(known["path"]))):
                return mirror
        except (OSError, ValueError, KeyError, TypeError):
            pass  # never searched, or the note is damaged: search
        mirror = next((found for folder in self._walk() if (found := usable(folder))), None)
        # Only a find is kept: a mirror that is put there later must be seen.
        if mirror:
            _write(note, json.dumps({"key": key, "path": str(mirror.path)}))
        return mirror

    def _walk(self) -> Iterator[Path]:
        """Yield folders that hold a registry folder: breadth first, so that a near one is found before time is up."""
        deadline = self._monotonic() + _LIMIT_S
        level = [self._home if root == "~" else Path(root) for root in self._roots]
        for _ in range(_DEPTH):
            deeper: list[Path] = []
            for folder in level:
                if self._monotonic() > deadline:
                    return
                for child in _subfolders(folder):
                    if child.name == REGISTRY:
                        yield folder
                    elif child.name not in _SKIPPED and child.name != ".terraform":
                        deeper.append(child)
            level = deeper

    def _written(self, mirror: Mirror) -> Path:
        path = json.dumps(str(mirror.path))
        host = f"{REGISTRY}/*/*"
        held = json.dumps([f"{REGISTRY}/{folder.parent.name}/{folder.name}" for folder in _providers(mirror.path)])
        text = (
            "# Written by the deployer; changes are overwritten.\n"
            "provider_installation {\n"
            f"  filesystem_mirror {{\n    path    = {path}\n    include = [{json.dumps(host)}]\n  }}\n"
            f"  direct {{\n    exclude = {held}\n  }}\n"
            "}\n"
        )
        file = self._cache / "terraform.rc"
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            _write(file, text)
        return file

    @staticmethod
    def _with_cache(folder: str) -> dict[str, str]:
        Path(folder).mkdir(parents=True, exist_ok=True)  # Terraform refuses a cache folder that is not there
        return {"TF_PLUGIN_CACHE_DIR": folder}


def usable(folder: Path) -> Mirror | None:
    """Return `folder` as a mirror if it has the AWS provider for this machine, packed or unpacked."""
    try:
        versions = sorted((folder / _PROVIDER).iterdir())
        if any(_has_files(version / machine()) for version in versions):
            return Mirror(folder, packed=False)
        if any(entry.name.endswith(f"_{machine()}.zip") for entry in versions):
            return Mirror(folder, packed=True)
    except OSError:
        pass  # not there, or not ours to read: no mirror
    return None


def _has_files(folder: Path) -> bool:
    return folder.is_dir() and any(folder.iterdir())


def _providers(mirror: Path) -> list[Path]:
    return sorted(folder for folder in (mirror / REGISTRY).glob("*/*") if folder.is_dir())


def _subfolders(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            return sorted(Path(entry.path) for entry in entries if entry.is_dir(follow_symlinks=False))
    except OSError:
        return []


def _write(file: Path, text: str) -> None:
    """Replace `file` in one step: another run may be reading it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f"{file.name}.{os.getpid()}")
    draft.write_text(text, encoding="utf-8")
    draft.replace(file)
