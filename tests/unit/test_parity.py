"""Environments side by side: a difference needs a reason, and a reason a difference."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from deployer import config, parity
from deployer.errors import ConfigError, GateFailed

GIVEN = {
    "development": 'name = "development"\ncache = {\n  nodes = 1\n}\nscaling = {\n  max = 2\n}\n',
    "staging": 'name = "staging"\ncache = {\n  nodes = 2\n}\nscaling = {\n  max = 2\n}\nnat = "single"\n',
    "production": 'name = "production"\ncache = {\n  nodes = 2\n}\nscaling = {\n  max = 2\n}\n',
}
REASONS = 'name = "its own"\nnat = "only staging has one"\n[cache]\nnodes = "nothing is lost in development"\n'


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A checkout of three environments with a reason for each difference."""
    for name, text in GIVEN.items():
        file = tmp_path / config.ENVIRONMENTS_FOLDER / name / "terraform.tfvars"
        file.parent.mkdir(parents=True)
        file.write_text(text, encoding="utf-8")
    reason(tmp_path, REASONS)
    return tmp_path


def reason(tree: Path, text: str) -> None:
    """Write the list of reasons."""
    (tree / parity.REASONS).write_text(text, encoding="utf-8")


def test_each_difference_has_its_reason(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 0: every key is shown with all three values, differences marked and explained."""
    assert 0 == parity.parity(as_json=False, root=tree)
    told = capsys.readouterr()
    lines = told.out.splitlines()

    assert ["key", "development", "staging", "production"] == lines[0].split()
    assert ["≠", "cache.nodes", "1", "2", "2"] in [line.split() for line in lines]
    assert ["scaling.max", "2", "2", "2"] in [line.split() for line in lines]
    assert "    nothing is lost in development" in lines
    assert ["≠", "nat", "-", "single", "-"] in [line.split() for line in lines]
    assert "3 of 4 keys differ, each for its reason\n" == told.err


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("name", REASONS.replace('name = "its own"\n', "")),
        ("nat", REASONS.replace('nat = "only staging has one"\n', "")),
        ("cache.nodes", REASONS.partition("[cache]")[0]),
    ],
)
def test_a_difference_without_a_reason_is_refused(
    tree: Path, capsys: pytest.CaptureFixture[str], key: str, text: str
) -> None:
    """Exit 10, also for a key that one environment alone has; the line says so without color, too."""
    reason(tree, text)
    with pytest.raises(GateFailed, match="1 differences without a reason, 0 reasons") as caught:
        parity.parity(as_json=False, root=tree)

    assert (10, (f"no reason: {key}",)) == (caught.value.exit_code, caught.value.details)
    assert "    NO REASON is given for this" in capsys.readouterr().out.splitlines()


@pytest.mark.parametrize("key", ["scaling.max", "scaling.min", "cache"])
def test_a_reason_without_a_difference_is_refused(tree: Path, key: str) -> None:
    """What was made alike, what never was a key, and what is a group of keys."""
    reason(tree, f'"{key}" = "it was once so"\n'.replace('"scaling.max"', "scaling.max") + REASONS)
    if key == "cache":
        reason(tree, 'cache = "all of it"\n' + REASONS.partition("[cache]")[0])
    with pytest.raises(GateFailed) as caught:
        parity.parity(as_json=False, root=tree)

    assert f"no difference: {key}" in caught.value.details


def test_programs_get_the_same(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One object, printed before the error; a value that is left out is null."""
    reason(tree, 'name = "its own"\n[scaling]\nmax = "old"\n[cache]\nnodes = "nothing is lost"\n')
    with pytest.raises(GateFailed):
        parity.parity(as_json=True, root=tree)
    answer = json.loads(capsys.readouterr().out)

    assert (["nat"], ["scaling.max"]) == (answer["unexplained"], answer["stale"])
    assert {
        "key": "nat",
        "values": {"development": None, "staging": "single", "production": None},
        "differs": True,
        "reason": None,
    } == next(key for key in answer["keys"] if key["key"] == "nat")


def test_kinds_and_orders_count() -> None:
    """A number is no text, a list in another order is another list; an object without keys says nothing."""
    given = {"a": {"n": 1, "l": ["x", "y"], "o": {}}, "b": {"n": "1", "l": ["y", "x"]}}

    assert {"n", "l"} == {row.key for row in parity.compared(given, {}) if row.differs}


@pytest.mark.parametrize("text", ['name = ""', "name = 1", 'name = "a"\nname = "b"', "name"])
def test_a_list_that_cannot_be_used_is_named(tree: Path, text: str) -> None:
    """Exit 2: a reason is a sentence, given once."""
    reason(tree, text)
    with pytest.raises(ConfigError, match=r"parity\.toml") as caught:
        parity.parity(as_json=False, root=tree)

    assert 2 == caught.value.exit_code


def test_without_a_list_nothing_is_excused(tree: Path) -> None:
    """A list that is gone does not pass for one without entries."""
    (tree / parity.REASONS).unlink()
    with pytest.raises(ConfigError, match=r"parity\.toml"):
        parity.parity(as_json=False, root=tree)


def test_a_number_in_quotes_stays_one(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody would see the difference otherwise."""
    for name, size in (("development", "15"), ("staging", '"15"'), ("production", '"15"')):
        file = tree / config.ENVIRONMENTS_FOLDER / name / "terraform.tfvars"
        file.write_text(f"{file.read_text(encoding='utf-8')}size = {size}\n", encoding="utf-8")
    with pytest.raises(GateFailed):
        parity.parity(as_json=False, root=tree)

    told = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["≠", "size", "15", '"15"', '"15"'] in told
