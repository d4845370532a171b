"""The Terraform configuration as plain values, read with python-hcl2: expressions stay `${…}` strings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import hcl2
from hcl2 import SerializationOptions

_OPTIONS = SerializationOptions(strip_string_quotes=True, explicit_blocks=False)


def files(configuration: Path) -> list[Path]:
    """Every .tf file, without what `terraform init` fetched."""
    return sorted(file for file in configuration.rglob("*.tf") if ".terraform" not in file.parts)


def read(file: Path) -> dict[str, Any]:
    """One file's attributes and blocks."""
    values = hcl2.loads(file.read_text(encoding="utf-8"), serialization_options=_OPTIONS)
    return {str(key): value for key, value in values.items() if not str(key).startswith("__")}


def named(configuration: Path, kind: str) -> Iterator[tuple[Path, str, dict[str, Any]]]:
    """Every block such as `variable "name" {…}`: the file it stands in, its name, its body."""
    for file in files(configuration):
        for block in read(file).get(kind, []):
            for name, body in block.items():
                if not name.startswith("__"):
                    yield file, name, _body(body)


def resources(configuration: Path) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every resource: its type, its name, its body."""
    for _, kind, resource in named(configuration, "resource"):
        for name, body in resource.items():
            if not name.startswith("__"):
                yield kind, name, _body(body)


def _body(value: Mapping[str, Any] | list[Mapping[str, Any]]) -> dict[str, Any]:
    return dict(value[0] if isinstance(value, list) else value)
