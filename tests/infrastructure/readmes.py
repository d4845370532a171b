"""The README.md of each module, from its files: `.venv/bin/python -m tests.infrastructure.readmes` writes them all.

terraform-docs would do, but it is in no package registry of ours. A page says what main.tf's first comment says, then
lists variables and outputs by name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.infrastructure import hcl

CONFIGURATION = Path(__file__).parents[2] / "infrastructure" / "terraform"
COMMAND = ".venv/bin/python -m tests.infrastructure.readmes"
HEAD = f"<!-- Written by `{COMMAND}` from the .tf files here: change those, not this. -->"


def modules(configuration: Path) -> list[Path]:
    """The root module and all others, by path."""
    return sorted(file.parent for file in hcl.files(configuration) if file.name == "versions.tf")


def page(module: Path, configuration: Path) -> str:
    """What the module's README says. Raises ValueError when nothing says what the module is for."""
    named = str(module.relative_to(configuration)) if module != configuration else "The root module"
    parts = [
        HEAD,
        f"# {named}",
        purpose((module / "main.tf").read_text(encoding="utf-8"), named),
        *_table("Inputs", ("Name", "Type", "Default", "Description"), _inputs(module)),
        *_table("Outputs", ("Name", "Description"), _outputs(module)),
    ]
    return "\n\n".join(parts) + "\n"


def purpose(text: str, named: str) -> str:
    """The comment that a file begins with, without its signs."""
    found = re.match(r"(?:#[^\n]*\n)+", text)
    if not found:
        raise ValueError(f"{named}: main.tf has to begin with a comment that says what the module is for")
    return "\n".join(line.removeprefix("#").removeprefix(" ") for line in found[0].splitlines())


def _inputs(module: Path) -> Iterator[tuple[str, ...]]:
    for name, body in _blocks(module, "variable"):
        default = f"`{_value(body['default'])}`" if "default" in body else "required"
        yield f"`{name}`", f"`{_expression(body['type'])}`", default, body["description"]


def _outputs(module: Path) -> Iterator[tuple[str, ...]]:
    for name, body in _blocks(module, "output"):
        yield f"`{name}`", f"{body['description']}{' Sensitive.' if body.get('sensitive') else ''}"


def _blocks(module: Path, kind: str) -> list[tuple[str, Mapping[str, Any]]]:
    found = [each for file in sorted(module.glob("*.tf")) for each in hcl.named_in(hcl.read(file), kind)]
    return sorted(found, key=lambda each: each[0])


def _expression(text: str) -> str:
    """As it stands, on one line."""
    return re.sub(r"\s+", " ", text.removeprefix("${").removesuffix("}") if text.startswith("${") else text).strip()


def _value(value: object) -> str:
    """As JSON, but for an expression."""
    return _expression(value) if isinstance(value, str) and value.startswith("${") else json.dumps(value)


def _table(title: str, names: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> Iterator[str]:
    lines = [_row(cells) for cells in rows]
    if lines:
        yield f"## {title}"
        yield "\n".join([_row(names), "|---" * len(names) + "|", *lines])


def _row(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(re.sub(r"\s+", " ", cell).replace("|", "\\|") for cell in cells) + " |"


def stale(configuration: Path) -> list[str]:
    """The modules whose README is not there or not what `page` says, by path."""

    def told(module: Path) -> str:
        file = module / "README.md"
        return file.read_text(encoding="utf-8") if file.is_file() else ""

    found = [module for module in modules(configuration) if told(module) != page(module, configuration)]
    return [str(module.relative_to(configuration)) for module in found]


if __name__ == "__main__":
    for each in modules(CONFIGURATION):
        (each / "README.md").write_text(page(each, CONFIGURATION), encoding="utf-8")
