"""What the checks look at: resources, locals, variables and outputs, from the configuration or from a plan."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.infrastructure import hcl

_DEPTH = 4
"""How deep locals refer to locals."""


@dataclass(frozen=True, slots=True)
class Found:
    """One thing: `module` is its folder, or `environment:module` in a plan; `key` its for_each key there."""

    kind: str
    module: str
    name: str
    values: Mapping[str, Any]
    key: str = ""
    locals: Mapping[str, str] = field(default_factory=dict)

    @property
    def where(self) -> str:
        """How people find it."""
        return f"{self.module} {self.kind}.{self.name}" + (f"[{self.key}]" if self.key else "")

    @property
    def planned(self) -> bool:
        """Whether it comes from a plan: then its values are final."""
        return ":" in self.module

    def blocks(self, name: str) -> list[Mapping[str, Any]]:
        """The nested blocks called `name`."""
        return [block for block in self.values.get(name) or [] if isinstance(block, Mapping)]

    def text(self, attribute: str) -> str:
        """An attribute as text, HCL and JSON alike (`key="value"`), its module's locals put in."""
        return flat(self.spelled(str(self.values.get(attribute) or "")))

    def spelled(self, text: str) -> str:
        """`text` with every local of the module in its place."""
        for _ in range(_DEPTH):
            text = re.sub(r"\blocal\.(\w+)", lambda match: self.locals.get(match[1], match[0]), text)
        return text

    def is_(self, attribute: str, *wanted: object) -> bool:
        """Whether the attribute is one of these: values, or the expressions that become them on AWS."""
        value = self.values.get(attribute)
        return any(type(value) is type(one) and value == one for one in wanted)


def flat(text: str) -> str:
    """HCL's `"a" = b` and JSON's `"a":b` both become `a=b`."""
    return re.sub(r'"([\w:./-]+)":\s*', r"\1=", re.sub(r'"?([\w:./-]+)"? = ', r"\1=", text))


def configured(root: Path, changed: Mapping[str, str] | None = None) -> list[Found]:
    """Everything the configuration says; `changed` holds other text for some of its files, by their path in it."""
    return [found for folder, files in _modules(root, changed or {}).items() for found in _of_module(folder, files)]


def planned(environment: str, plan: Mapping[str, Any]) -> Iterator[Found]:
    """Every resource that a plan makes, with the values it gives them."""
    for change in plan["resource_changes"]:
        if change["mode"] == "managed":
            module = f"{environment}:{change.get('module_address', '')}"
            values = change["change"]["after"] or {}
            yield Found(change["type"], module, change["name"], values, str(change.get("index", "")))


def _modules(root: Path, changed: Mapping[str, str]) -> dict[str, list[dict[str, Any]]]:
    modules: dict[str, list[dict[str, Any]]] = {}
    for file in (*hcl.files(root), *sorted(root.glob("environments/*/terraform.tfvars"))):
        path = str(file.relative_to(root))
        content = hcl.parse(changed[path]) if path in changed else _remembered(file)
        modules.setdefault(str(file.parent.relative_to(root)), []).append(content)
    return modules


_MEMORY: dict[Path, dict[str, Any]] = {}


def _remembered(file: Path) -> dict[str, Any]:
    """Each file is parsed once: the grammar takes most of a test's time."""
    if file not in _MEMORY:
        _MEMORY[file] = hcl.read(file)
    return _MEMORY[file]


def _of_module(folder: str, files: list[dict[str, Any]]) -> Iterator[Found]:
    spelled = {
        name: value if isinstance(value, str) else json.dumps(value)
        for content in files
        for block in content.get("locals", [])
        for name, value in block.items()
    }
    if folder.startswith("environments/"):
        yield Found("tfvars", folder, "", files[0])
        return
    for name, text in spelled.items():
        yield Found("local", folder, name, {"value": text}, locals=spelled)
    for content in files:
        for kind in ("variable", "output"):
            for name, body in hcl.named_in(content, kind):
                yield Found(kind, folder, name, body)
        for kind, name, body in hcl.resources_in(content):
            yield Found(kind, folder, name, body, locals=spelled)
