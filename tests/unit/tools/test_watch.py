"""Changes are heard of, and the end too."""

from __future__ import annotations

from pathlib import Path

from deployer.tools import watch


def test_a_saved_file_is_heard_of_and_caches_are_not(tmp_path: Path) -> None:
    """After the first answer nothing is missed; when it is over it ends."""
    over: list[bool] = []
    changes = watch.changes([tmp_path], lambda: bool(over))
    assert frozenset() == next(changes)
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "a.pyc").write_text("x", encoding="utf-8")
    (tmp_path / "a.py").write_text("x", encoding="utf-8")

    assert frozenset({tmp_path / "a.py"}) == next(filter(None, changes))
    over.append(True)
    assert [] == [seen for seen in changes if seen]
