"""What the modules' variables refuse, and every way in which a validation of theirs could refuse less.

`terraform test` refuses bad values run by run; that each part of each validation was tried shows only when the part is
taken away. All of it is asked of one plan: a module call for each run and each weakened copy of a module's variables.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.infrastructure.conftest import CONFIGURATION, Terraform

DEVELOPMENT = CONFIGURATION / "environments" / "development" / "terraform.tfvars"
OPENING, CLOSING = "([{", ")]}"


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a module's tests: the text of each variable's value, and which variables it says are refused."""

    module: str
    name: str
    values: Mapping[str, str]
    refused: frozenset[str]


@dataclass(frozen=True, slots=True)
class Weakened:
    """A variable of a module without one part of one validation (`part`, as written): the text of its block."""

    module: str
    variable: str
    part: str
    text: str


def _steps(text: str, start: int) -> Iterator[tuple[int, str, int]]:
    """Each character outside strings and comments with its place and how deep in brackets it stands."""
    depth, at = 0, start
    while at < len(text):
        character = text[at]
        if character == '"':
            at = re.compile(r'"(?:\\.|[^"\\])*"').match(text, at).end()  # type: ignore[union-attr]
            continue
        if character == "#":
            at = text.index("\n", at)
            continue
        depth -= character in CLOSING
        yield at, character, depth
        depth += character in OPENING
        at += 1


def end_of(text: str, start: int) -> int:
    """Where the expression that begins at `start` ends: at a line's end outside all brackets, or at theirs."""
    return next((at for at, character, depth in _steps(text, start) if depth < 0 or (depth == 0 and character == "\n")))


def block(text: str, opening: str) -> str:
    """The text between the braces of the block that starts with `opening`, "" when there is none."""
    found = re.search(rf"^ *{opening} \{{\n", text, re.MULTILINE)
    return "" if found is None else text[found.end() : end_of_block(text, found.end())]


def end_of_block(text: str, start: int) -> int:
    """Where the brace is that closes the block whose inside begins at `start`."""
    return next(at for at, _, depth in _steps(text, start) if depth < 0)


def attributes(body: str) -> dict[str, str]:
    """Name -> text of the value, of a block's attributes."""
    values, at = {}, 0
    while found := re.compile(r"^ *(\w+) *= *", re.MULTILINE).search(body, at):
        at = end_of(body + "\n", found.end())
        values[found[1]] = body[found.end() : at]
    return values


def runs(module: str) -> Iterator[Run]:
    """Every run of the module's test files, with the values that it has without asking another run."""
    for file in sorted((CONFIGURATION / module / "tests").glob("*.tftest.hcl")):
        text = file.read_text(encoding="utf-8")
        shared, *texts = re.split(r'^(?=run ")', text, flags=re.MULTILINE)
        given = attributes(block(shared, "variables"))
        if module == ".":
            given |= attributes(DEVELOPMENT.read_text(encoding="utf-8"))
        for one in texts:
            values = given | attributes(block(one, "variables"))
            told = re.search(r"expect_failures = \[(.*?)\]", one, re.DOTALL)
            refused = frozenset(re.findall(r"var\.(\w+)", told[1])) if told else frozenset()
            yield Run(module, one.split('"')[1], values, refused)


def variables(module: str) -> dict[str, str]:
    """Name -> text of its block, of everything that the module can be given."""
    texts = [file.read_text(encoding="utf-8") for file in sorted((CONFIGURATION / module).glob("variables*.tf"))]
    found = re.compile(r'^variable "(\w+)" \{\n.*?^\}\n', re.MULTILINE | re.DOTALL).finditer("".join(texts))
    return {one[1]: one[0] for one in found}


def weakened(module: str) -> Iterator[Weakened]:
    """Each validation of the module without its condition, any part that `&&` joins, any of the things it looks at."""
    for name, text in variables(module).items():
        for found in re.finditer(r"^    condition *= *", text, re.MULTILINE):
            start, end = found.end(), end_of(text, found.end())
            for first, last in [(start, end), *_joined(text, start, end)]:
                # Terraform refuses a condition in which its variable is not named.
                without = f"{text[:first]}(true || var.{name} == null){text[last:]}"
                yield Weakened(module, name, text[first:last], without)
            for looked_at in re.finditer(r"\bin \[(.+?)\]", text[start:end]):
                every = looked_at[1].split(", ")
                first, last = start + looked_at.start(1), start + looked_at.end(1)
                for one in every:
                    others = ", ".join(other for other in every if other != one)
                    yield Weakened(module, name, one, f"{text[:first]}{others}{text[last:]}")


def intact(module: str) -> dict[str, Weakened]:
    """The module's variables as they are, by name."""
    return {name: Weakened(module, name, "", text) for name, text in variables(module).items()}


def _joined(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Where the operands of each `&&` between `start` and `end` begin and end."""
    steps = [(at, character, depth) for at, character, depth in _steps(text, start) if at < end]
    for index, (at, character, depth) in enumerate(steps):
        if character == "&" and text[at + 1] == "&":
            left, right = _edge(reversed(steps[:index]), depth), _edge(iter(steps[index + 2 :]), depth)
            yield _trimmed(text, start if left is None else left + 1, at)
            yield _trimmed(text, at + 2, end if right is None else right)


def _edge(walk: Iterator[tuple[int, str, int]], depth: int) -> int | None:
    """Where an operand ends that is walked along from its `&&`: at another operator, or at what encloses both."""
    return next((at for at, character, deep in walk if deep < depth or (deep == depth and character in "?:,&|")), None)


def _trimmed(text: str, first: int, last: int) -> tuple[int, int]:
    """The same, without the space around it."""
    part = text[first:last]
    return first + len(part) - len(part.lstrip()), last - len(part) + len(part.rstrip())


def still_refused(cases: Sequence[tuple[Run, Weakened]], folder: Path, terraform: Terraform) -> list[bool]:
    """Give each run's values to each variable, weakened or not: whether it refuses its own.

    FOLDER is empty. One plan, which makes nothing: there is no more of the modules than these variables and those that
    their validations name.
    """
    # Terraform looks first at what it knows without planning, and ends there if any of it is refused.
    lines = ['variable "planning" {', "default = true", "}", 'variable "nothing" {', "default = null", "}"]
    for number, (run, case) in enumerate(cases):
        declared = variables(case.module) | {case.variable: case.text}
        named = sorted(set(re.findall(r"\bvar\.(\w+)", case.text)) - {case.variable})
        place = folder / f"m{number}"
        place.mkdir()
        (place / "variables.tf").write_text(
            "".join(declared[name] for name in [case.variable, *named]), encoding="utf-8"
        )
        given = {name: run.values[name] for name in [case.variable, *named] if name in run.values}
        values = [f"{name} = var.planning ? ({value}\n) : var.nothing" for name, value in given.items()]
        lines += [f'module "{place.name}" {{', f'source = "./{place.name}"', *values, "}"]
    (folder / "main.tf").write_text("\n".join(lines) + "\n", encoding="utf-8")
    initialised = terraform("init", "-backend=false", "-input=false", "-no-color", cwd=folder)
    assert initialised.returncode == 0, initialised.stdout
    planned = terraform("plan", "-input=false", "-json", cwd=folder)
    assert planned.returncode == 1, "nothing at all was refused"
    ends = [len(case.text.splitlines()) for _, case in cases]
    found = [False for _ in cases]
    for told in (json.loads(line).get("diagnostic") for line in planned.stdout.splitlines()):
        if told is not None:
            rule = re.search(r"validation rule at m(\d+)/variables.tf:(\d+),", told["detail"])
            assert rule is not None, told
            found[int(rule[1])] |= int(rule[2]) <= ends[int(rule[1])]
    return found
