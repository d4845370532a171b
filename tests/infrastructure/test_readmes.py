"""Each module's README is what its files say, and a page that is behind them is noticed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.infrastructure import readmes
from tests.infrastructure.conftest import CONFIGURATION

MODULE = """# What it is for,
# in two lines.
#
# And why.
locals {}

# Not this.
"""
VARIABLES = """
variable "size" {
  description = "How big | how small."
  type = object({
    width  = number
    height = optional(number, 2)
  })
  default = { width = 1 }
}

variable "name" {
  description = "What it is called."
  type        = string
}
"""
OUTPUTS = """
output "key" {
  description = "What opens it."
  value       = "x"
  sensitive   = true
}
"""
PAGE = f"""{readmes.HEAD}

# modules/a

What it is for,
in two lines.

And why.

## Inputs

| Name | Type | Default | Description |
|---|---|---|---|
| `name` | `string` | required | What it is called. |
| `size` | `object({{width = number, height = optional(number, 2)}})` | `{{"width": 1}}` | How big \\| how small. |

## Outputs

| Name | Description |
|---|---|
| `key` | What opens it. Sensitive. |
"""


@pytest.fixture
def module(tmp_path: Path) -> Path:
    """A configuration of one module with its page."""
    folder = tmp_path / "modules" / "a"
    folder.mkdir(parents=True)
    for name, text in (("main", MODULE), ("variables", VARIABLES), ("outputs", OUTPUTS), ("versions", "")):
        (folder / f"{name}.tf").write_text(text, encoding="utf-8")
    (folder / "README.md").write_text(readmes.page(folder, tmp_path), encoding="utf-8")
    return folder


def test_the_pages_are_what_the_files_say() -> None:
    """The page's first line names the command that writes it."""
    assert [] == readmes.stale(CONFIGURATION), f"run {readmes.COMMAND}"
    assert len(readmes.modules(CONFIGURATION)) > 10


def test_a_page_says_purpose_inputs_and_outputs(module: Path, tmp_path: Path) -> None:
    """By name, whatever the files' order."""
    assert PAGE == readmes.page(module, tmp_path)


@pytest.mark.parametrize(
    ("file", "before", "after"),
    [
        ("variables.tf", "How big", "How large"),
        ("variables.tf", "type        = string", "type        = number"),
        ("variables.tf", "{ width = 1 }", "{ width = 3 }"),
        ("variables.tf", 'variable "name"', 'variable "title"'),
        ("outputs.tf", "What opens it.", "What closes it."),
        ("main.tf", "in two lines", "in a few words"),
        ("README.md", "required", "optional"),
    ],
)
def test_a_page_that_is_behind_is_noticed(module: Path, tmp_path: Path, file: str, before: str, after: str) -> None:
    """Whichever side was changed."""
    assert [] == readmes.stale(tmp_path)
    path = module / file
    assert before in path.read_text(encoding="utf-8")
    path.write_text(path.read_text(encoding="utf-8").replace(before, after), encoding="utf-8")

    assert ["modules/a"] == readmes.stale(tmp_path)


def test_a_missing_page_is_noticed(module: Path, tmp_path: Path) -> None:
    """A new module has none yet."""
    (module / "README.md").unlink()

    assert ["modules/a"] == readmes.stale(tmp_path)


def test_a_module_says_what_it_is_for(module: Path, tmp_path: Path) -> None:
    """Nobody else can."""
    (module / "main.tf").write_text("locals {}\n", encoding="utf-8")

    with pytest.raises(ValueError, match=r"modules/a: main\.tf has to begin with a comment"):
        readmes.page(module, tmp_path)
