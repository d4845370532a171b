"""What a user sees of the commands: the contents page, the help of every flag, and completion."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from invoke.collection import Collection
from invoke.tasks import Task

import tasks
from tests.examples import ROOT

SCREEN = 80


def every() -> dict[str, Task]:  # type: ignore[type-arg]
    """All tasks by the name one types."""

    def walk(collection: Collection, prefix: str) -> dict[str, Task]:  # type: ignore[type-arg]
        found = {f"{prefix}{collection.transform(name)}": task for name, task in collection.tasks.items()}
        for name, inner in collection.collections.items():
            found |= walk(inner, f"{prefix}{name}.")
        return found

    return walk(tasks.ns, "")


def inv(*words: str, module: str = "deployer.program", **environ: str) -> list[str]:
    """The lines that `inv WORDS` prints on a screen of 80 columns."""
    command = [sys.executable, "-m", module, *words]
    env = {"PATH": "/usr/bin:/bin", "HOME": str(Path.home()), "COLUMNS": str(SCREEN), **environ}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_every_command_is_one_line_under_a_heading() -> None:
    """Nothing wraps, nothing is left out, nothing is listed twice."""
    lines = inv("--list")
    listed = [line.split()[0] for line in lines if line.startswith("  ")]

    assert sorted(every()) == sorted(listed)
    assert [f"{heading}:" for heading in tasks.CONTENTS] == [line for line in lines if line.endswith(":")]
    assert [] == [line for line in lines if len(line) > SCREEN]


def test_invoke_alone_lists_one_line_each_too() -> None:
    """As an editor or a plain `inv` shows them: by name."""
    listed = [line for line in inv("--list", module="invoke") if line.startswith("  ")]

    assert len(every()) == len(listed)


def test_a_folder_of_commands_can_be_listed_alone() -> None:
    """That is Invoke's own list."""
    assert ["  .down", "  .status", "  .up"] == [line[:11].rstrip() for line in inv("--list", "cloud") if "  ." in line]


@pytest.mark.parametrize("name", sorted(every()))
def test_every_flag_is_explained(name: str) -> None:
    """In a sentence that starts small and ends without a full stop."""
    task = every()[name]
    flags = {argument.name: argument.help for argument in task.get_arguments()}

    assert {} == {
        flag: said for flag, said in flags.items() if not said or said[0] == said[0].upper() != "J" or said[-1] == "."
    }


def test_the_help_of_deploy_fits_and_says_more_than_the_list() -> None:
    """What it does, and each flag."""
    lines = inv("deploy", "--help")
    text = "\n".join(lines)

    assert [] == [line for line in lines if len(line) > SCREEN]
    assert "migrates" in text
    assert all(f"--{flag}" in text for flag in ("env", "ref", "release", "cloud", "dry-run", "no-cache", "json", "yes"))
    assert "--allow-destroy" in text


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_there_is_completion_for_the_usual_shells(shell: str) -> None:
    """A script that asks us."""
    script = "\n".join(inv(f"--print-completion-script={shell}"))

    assert re.search(r"\binv .*--complete -- ", script)
    assert "invoke -" not in script


def test_completion_knows_commands_and_their_flags() -> None:
    """What stands behind `inv dep<TAB>` and `inv deploy --<TAB>`."""
    assert {"deploy", "cloud.up", "db.console", "smoke-test"} <= set(inv("--complete", "--", "inv", "dep"))
    assert {"--env", "--dry-run", "--no-cache"} <= set(inv("--complete", "--", "inv", "deploy", "--"))
    assert {"drift", "parity"} <= set(inv("--complete", "--", "inv", ""))
    for name in ("plan", "apply", "deploy"):
        assert "--allow-destroy" in inv("--complete", "--", "inv", name, "--")
    assert {"--env", "--cloud", "--json"} <= set(inv("--complete", "--", "inv", "drift", "--"))


def test_bash_completes_a_command(tmp_path: Path) -> None:
    """The real shell, the real script; `inv` is ours."""
    (tmp_path / "inv").write_text(f'#!/bin/sh\ncd "{ROOT}"\nexec "{sys.executable}" -m deployer.program "$@"\n')
    (tmp_path / "inv").chmod(0o755)
    (tmp_path / "script").write_text("\n".join(inv("--print-completion-script=bash")), encoding="utf-8")
    asked = f"""
        source "{tmp_path}/script"
        COMP_WORDS=(inv dep); COMP_CWORD=1
        _complete_inv inv dep inv
        echo "${{COMPREPLY[@]}}"
    """
    env = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    done = subprocess.run(["bash", "-c", asked], env=env, capture_output=True, text=True, check=True)

    assert ("deploy\n", "") == (done.stdout, done.stderr)
