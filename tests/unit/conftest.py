"""Holds the unit tests to what [tool.gates.without] says of them: what they are said not to read they cannot open."""

from __future__ import annotations

import os
import sys
import tomllib

from tests.examples import ROOT

_GATES = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["gates"]
_CLOSED = tuple(f"{ROOT}/{left}" for left in _GATES["without"]["unit.deployer"])
_READING = frozenset({"open", "os.listdir", "os.scandir"})


def _watch(event: str, arguments: tuple[object, ...]) -> None:
    """Refuse to read a file or folder that is no input. A folder asked for by its name alone counts as well."""
    if event in _READING and isinstance(arguments[0], str | os.PathLike):
        path = os.fspath(arguments[0])
        if isinstance(path, str) and (path.startswith(_CLOSED) or f"{path}/" in _CLOSED):
            raise AssertionError(f"unit tests read {path}, and pyproject.toml, [tool.gates.without], says they do not")


# For this process and its threads; there is no way to take it away again, and no need to.
sys.addaudithook(_watch)
