"""The rules of the checkout that no tool of its own watches. Each guard is shown a breach, so that it can fail.

These read every file that git would commit, so they are run by the session lint and imported by nothing: a test of
tests/unit that read as widely would have to run again after every change of a page.
"""

from __future__ import annotations

import ast
import re
import subprocess
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).resolve().parents[2]
VAGUE = {"utils", "util", "common", "helpers", "helper", "misc"}
PINNED = re.compile(r"(^|/)(requirements[^/]*|[^/]+\.in|requirements/[^/]+\.txt|package-lock\.json|[^/]*\.lock)$")
SHELL = re.compile(r"#!.*\b(ba)?sh\b")
INDEX = re.compile(r"(?i)(index[-_]?url|registry|find-links|trusted-host)\S*\s*[=: ]\s*[\"']?https?://")


@cache
def tracked() -> tuple[str, ...]:
    """What is committed or about to be, by path."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return tuple(path for path in listed.split("\0") if path and (ROOT / path).is_file())


def read(path: str) -> str:
    """The text of one file; what is no text holds no host either."""
    return (ROOT / path).read_text(encoding="utf-8", errors="replace")


def python(*folders: str) -> list[str]:
    """The Python files under `folders`, or all of them."""
    return [p for p in tracked() if p.endswith(".py") and (not folders or PurePosixPath(p).parts[0] in folders)]


def calls(source: str) -> Iterator[tuple[str, ast.Call]]:
    """Every call in `source`, by the name it calls."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def prints(source: str) -> list[int]:
    """Lines that write to the screen."""
    writers = {"print", "sys.stdout.write", "sys.stderr.write", "pprint.pprint", "pprint"}
    return [call.lineno for name, call in calls(source) if name in writers]


def shells(source: str) -> list[int]:
    """Lines that hand text to a shell. To parse every file takes a second; few have the words."""
    if not re.search(r"shell|os\.system|os\.popen|getoutput|getstatusoutput", source):
        return []
    return [
        call.lineno
        for name, call in calls(source)
        if name in {"os.system", "os.popen", "subprocess.getoutput", "subprocess.getstatusoutput"}
        or any(
            k.arg == "shell" and not (isinstance(k.value, ast.Constant) and not k.value.value) for k in call.keywords
        )
    ]


def hosts(path: str, text: str) -> list[str]:
    """Lines that tie the project to a package registry of one machine."""
    pinned = PINNED.search(path) and path != "infrastructure/terraform/.terraform.lock.hcl"
    return [line for line in text.splitlines() if INDEX.search(line) or (pinned and "://" in line)]


def test_no_module_is_named_for_nothing() -> None:
    """A name says what is inside."""
    names = {path: set(PurePosixPath(path).with_suffix("").parts) for path in python()}

    assert {} == {path: parts & VAGUE for path, parts in names.items() if parts & VAGUE}
    assert len(names) > 50


def test_docker_is_a_folder_and_no_package() -> None:
    """It would shadow the Docker SDK; tests/unit/test_tasks.py imports that."""
    assert [] == [path for path in python("docker") if path.count("/") == 1]


def test_only_the_console_prints() -> None:
    """Stdout is for data, and one place decides what is data."""
    printing = {path: prints(read(path)) for path in [*python("deployer"), "tasks.py"]}

    assert ["deployer/console.py"] == [path for path, lines in printing.items() if lines]


def test_nothing_goes_through_a_shell() -> None:
    """Programs are run by argv: a file name with a blank or a semicolon is a file name."""
    assert {} == {path: lines for path in python() if (lines := shells(read(path)))}


@pytest.mark.parametrize(
    "breach",
    [
        "subprocess.run('ls', shell=True)",
        "subprocess.run('ls', shell=flag)",
        "os.system('ls')",
        "subprocess.getoutput('ls')",
    ],
)
def test_the_shell_guard_sees_a_breach(breach: str) -> None:
    """And leaves the rest alone."""
    assert [2] == shells(f"run(['ls'], shell=False)\n{breach}\n")


def test_the_print_guard_sees_a_breach() -> None:
    """Also where print is not called print."""
    assert [1, 2] == prints("print('x')\nsys.stderr.write('x')\nself.print('x')\n# print('x')\n")


def unchecked(scripts: dict[str, str], noxfile: str) -> list[str]:
    """Those `scripts` (text by path) for a shell that `noxfile` gives to no shellcheck."""
    return [path for path, text in scripts.items() if SHELL.match(text) and f'"{path}"' not in noxfile]


def test_every_shell_script_is_checked() -> None:
    """A script that lint does not name is one that nobody reads."""
    assert [] == unchecked({path: read(path) for path in tracked() if not path.endswith(".py")}, read("noxfile.py"))


def test_the_shell_script_guard_sees_a_breach() -> None:
    """By what the file starts with, whatever its name."""
    scripts = {"a": "#!/bin/sh -e\n", "b": "#!/usr/bin/env bash\n", "c": "#!/usr/bin/env python3\n", "d": "#!/bin/sh\n"}

    assert ["a", "b"] == unchecked(scripts, 'SHELL_SCRIPTS = ["d"]')


def test_nobody_commits_a_registry_host() -> None:
    """Where packages come from is the machine's own business: locks hold versions and hashes."""
    assert {} == {path: lines for path in tracked() if path != THIS and (lines := hosts(path, read(path)))}


THIS = "tests/layout/test_tree.py"
HOST = "packages.example"


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("requirements/unit.txt", f"--index-url https://{HOST}/simple"),
        ("requirements/unit.txt", f"pytest @ https://{HOST}/pytest.whl"),
        ("docker/backend/requirements.txt", f"    # from https://{HOST}/simple"),
        ("package-lock.json", f'"resolved": "https://{HOST}/left-pad.tgz"'),
        ("uv.lock", f'source = {{ registry = "https://{HOST}/simple" }}'),
        (".npmrc", f"registry=https://{HOST}/npm"),
        ("docker/backend/Dockerfile", f"RUN pip install --extra-index-url https://{HOST} x"),
        ("pyproject.toml", f'index-url = "https://{HOST}"'),
    ],
)
def test_the_host_guard_sees_a_breach(path: str, line: str) -> None:
    """In locks any address, elsewhere an option that names one."""
    assert [line] == hosts(path, f"pytest==9\n{line}\n")


def test_ci_runs_the_command_of_the_readme() -> None:
    """What CI proves is what a newcomer types."""
    assert "./scripts/inv test" in read("README.md")
    assert "./scripts/inv test" in read(".ci/run").splitlines()


def unread(without: dict[str, list[str]]) -> list[str]:
    """Entries of [tool.gates.without] that name nothing, or what decides about every session."""
    decisive = ("pyproject.toml", "noxfile.py", "requirements/", ".gitignore")
    return [
        f"{check}: {left}"
        for check, entries in without.items()
        for left in entries
        if left.startswith(decisive) or not any(path == left or path.startswith(f"{left[:-1]}/") for path in tracked())
    ]


def test_what_checks_do_not_read_is_there_and_decides_nothing() -> None:
    """A folder that was renamed would count as read again, and nobody would notice the minutes."""
    without = tomllib.loads(read("pyproject.toml"))["tool"]["gates"]["without"]

    assert [] == unread(without)
    assert {"unit.deployer", "application"} < set(without)


def test_the_guard_of_what_is_not_read_sees_a_breach() -> None:
    """A folder without its slash, too."""
    assert ["x: gone/", "x: docker", "x: noxfile.py"] == unread({"x": ["docs/", "gone/", "docker", "noxfile.py"]})
