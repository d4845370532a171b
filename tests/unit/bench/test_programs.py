"""Programs that are measured: timed from outside, and never a figure of one that failed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench.programs import NotMeasured, Programs


def test_a_program_is_timed_and_its_words_are_kept(tmp_path: Path) -> None:
    """Stdout is the answer, stderr is in the log; logs are numbered across environments."""
    programs = Programs(tmp_path, {"PATH": "/usr/bin:/bin"}, tmp_path / "logs")
    ran = programs.run("one", ["sh", "-c", "echo hint >&2; echo '{\"a\": 1}'"], timeout_s=30)
    other = programs.with_env({"PATH": "/usr/bin:/bin", "X": "y"}).run("two", ["sh", "-c", 'echo "$X"'], timeout_s=30)

    assert ({"a": 1}, "y\n") == (ran.json, other.stdout)
    assert ran.seconds > 0
    assert ["001-one.log", "002-two.log"] == sorted(log.name for log in (tmp_path / "logs").iterdir())
    assert ran.log.read_text(encoding="utf-8").startswith("hint\n")


@pytest.mark.parametrize(("script", "seen"), [("exit 3", "exit code 3"), ("sleep 60", "not done after 0 s")])
def test_a_program_that_fails_or_hangs_has_no_figure(tmp_path: Path, script: str, seen: str) -> None:
    """The reason names the log."""
    programs = Programs(tmp_path, {"PATH": "/usr/bin:/bin"}, tmp_path)
    with pytest.raises(NotMeasured, match=f"{seen}.*001-it.log"):
        programs.run("it", ["sh", "-c", script], timeout_s=0.3)


def test_an_answer_that_is_no_json_has_no_figure(tmp_path: Path) -> None:
    """A deploy that printed something else did not end as promised."""
    ran = Programs(tmp_path, {"PATH": "/usr/bin:/bin"}, tmp_path).run("it", ["echo", "no"], timeout_s=30)
    with pytest.raises(NotMeasured, match="no JSON"):
        _ = ran.json
