"""The times that a container keeps when nobody tells it are those that the deployer tells it (deployer/draining.py)."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def told() -> dict[str, str]:
    """The deployer's VARIABLES, read and not imported."""
    for node in ast.parse((ROOT / "deployer/draining.py").read_text(encoding="utf-8")).body:
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "VARIABLES" and node.value:
            return dict(ast.literal_eval(node.value))
    raise AssertionError("deployer/draining.py has no VARIABLES")


@pytest.mark.parametrize(
    ("file", "form"),
    [
        ("docker/frontend/nginx/entrypoint", r"\$\{%s:-(\d+)\}"),
        ("docker/backend/app/settings.py", r'"%s": \((\d+), '),
    ],
)
def test_both_images_agree_with_the_deployer(file: str, form: str) -> None:
    """One owner: a figure that is changed there and forgotten here fails."""
    text = (ROOT / file).read_text(encoding="utf-8")

    assert told() == {name: "".join(re.findall(form % name, text)) for name in told()}
