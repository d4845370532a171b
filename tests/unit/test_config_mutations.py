"""Two hundred ways to damage the development environment's file: each is an Environment or a clear error."""

from __future__ import annotations

import random
from contextlib import suppress
from pathlib import Path

import hcl2
import pytest
from lark.exceptions import LarkError

from deployer import config
from deployer.errors import InputError
from deployer.model import Environment
from tests.examples import ROOT

TFVARS = config.ENVIRONMENTS_FOLDER / "development" / "terraform.tfvars"
TEXT = (ROOT / TFVARS).read_text(encoding="utf-8")
SEEDS = range(200)
FRAGMENTS = [
    *'"{}[]=,\n\\#*!.-?@\x00é',
    *('${ "} %{ /* () null true -1 1.5 1e999 {} [] "" """ "${var.x}" "%{if}" (1+2) "\\uD800"'.split()),
    *("<<EOT\n", "9" * 400, "[for x in y : x]", '"x" = 1', 'block "a" {\n}\n'),
]


def mutant(seed: int) -> str:
    """The file with one to three seeded mistakes: pasted, cut, swapped, repeated, or with another value."""
    rng = random.Random(seed)  # noqa: S311 - repeatable, not secret
    text = TEXT
    for _ in range(rng.randint(1, 3)):
        lines = text.splitlines(keepends=True) or ["\n"]
        line, place = rng.randrange(len(lines)), rng.randrange(len(text) + 1)
        match rng.randrange(6):
            case 0:
                text = text[:place] + rng.choice(FRAGMENTS) + text[place:]
            case 1:
                text = text[:place] + text[place + rng.randint(1, 30) :]
            case 2:
                text = "".join(lines[:line] + lines[line + 1 :])
            case 3:
                text = "".join([*lines[:line], rng.choice(lines), *lines[line:]])
            case 4:
                key, _, _ = lines[line].partition("=")
                text = "".join([*lines[:line], f"{key}= {rng.choice(FRAGMENTS)}\n", *lines[line + 1 :]])
            case _:
                text = text[:place]
    return text


def read(root: Path) -> Environment | InputError:
    """What comes of reading development."""
    try:
        return config.load(root, "dev")
    except InputError as error:
        return error


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_but_an_environment_or_an_error_for_people(tmp_path: Path, seed: int) -> None:
    """Never a traceback for a user's mistake, and every message says in which file."""
    path = tmp_path / TFVARS
    path.parent.mkdir(parents=True)
    path.write_text(mutant(seed), encoding="utf-8")

    outcome = read(tmp_path)

    if isinstance(outcome, Environment):
        assert ("development", "dev") == (outcome.name, outcome.short_name)
    else:
        assert outcome.seen.startswith(str(TFVARS))


def test_the_mistakes_are_of_both_kinds() -> None:
    """Some of the mutants still parse and some do not: otherwise the test above would prove nothing."""
    parsed = 0
    for seed in SEEDS[:40]:
        with suppress(LarkError, ValueError, KeyError, AttributeError, TypeError):
            hcl2.loads(f"{mutant(seed)}\n")
            parsed += 1

    assert 5 < parsed < 35
