"""What is kept between commands: found by all that it was made from, and done without when it is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from deployer import memory


def test_what_was_noted_is_recalled(tmp_path: Path) -> None:
    """Under its text and the code that made it."""
    place = memory.place_of(tmp_path / "kept", "text", Path(__file__))
    memory.note(place, {"a": [1, "b"]})

    assert {"a": [1, "b"]} == memory.recall(place)


def test_another_text_and_other_code_have_other_places(tmp_path: Path) -> None:
    """Else yesterday's answer would be given to today's question."""
    code = tmp_path / "code.py"
    code.write_text("one", encoding="utf-8")
    places = [memory.place_of(tmp_path, "text", code), memory.place_of(tmp_path, "texts", code)]
    code.write_text("two", encoding="utf-8")
    places.append(memory.place_of(tmp_path, "text", code))

    assert 3 == len(set(places))


@pytest.mark.parametrize("damage", [b"", b'{"a": ', b"\xff\xfe"])
def test_what_cannot_be_read_was_never_noted(tmp_path: Path, damage: bytes) -> None:
    """Whoever asks makes it anew."""
    place = tmp_path / "x.json"
    place.write_bytes(damage)

    assert memory.recall(place) is None
    assert memory.recall(tmp_path / "none.json") is None


def test_a_folder_that_cannot_be_written_to_is_done_without(tmp_path: Path) -> None:
    """A read-only checkout works, only slower."""
    (tmp_path / "kept").write_text("a file where a folder should be", encoding="utf-8")

    memory.note(tmp_path / "kept" / "x.json", 1)

    assert memory.recall(tmp_path / "kept" / "x.json") is None
