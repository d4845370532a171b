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
    return parse(file.read_text(encoding="utf-8"))


def parse(text: str) -> dict[str, Any]:
    """The attributes and blocks of a file's text."""
    values = hcl2.loads(text, serialization_options=_OPTIONS)
    return {str(key): value for key, value in values.items() if not str(key).startswith("__")}


def named(configuration: Path, kind: str) -> Iterator[tuple[Path, str, dict[str, Any]]]:
    """Every block such as `variable "name" {…}`: the file it stands in, its name, its body."""
    for file in files(configuration):
        for name, body in named_in(read(file), kind):
            yield file, name, body


def named_in(content: Mapping[str, Any], kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The same, of one file's content."""
    for block in content.get(kind, []):
        for name, body in block.items():
            if not name.startswith("__"):
                yield name, _body(body)


def resources(configuration: Path) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every resource: its type, its name, its body."""
    for file in files(configuration):
        yield from resources_in(read(file))


def resources_in(content: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """The same, of one file's content."""
    for kind, resource in named_in(content, "resource"):
        for name, body in resource.items():
            if not name.startswith("__"):
                yield kind, name, _body(body)


def _body(value: Mapping[str, Any] | list[Mapping[str, Any]]) -> dict[str, Any]:
    return dict(value[0] if isinstance(value, list) else value)
