"""`inv clean` shows what would go, and removes it only when told to."""

from __future__ import annotations

import json

import pytest

from deployer import clean
from deployer.tools.waste import Waste


@pytest.fixture
def removed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was removed of an image and a folder."""
    gone: list[str] = []
    found = [
        Waste("image indivillage/web:1", 74_500_000, "last used 2026-01-01", lambda: gone.append("image")),
        Waste(".cache/logs/old", 0, "last used 2026-01-01", lambda: gone.append("logs")),
    ]
    monkeypatch.setattr(clean, "_found", lambda _: found)
    return gone


def test_it_shows_and_removes_nothing(removed: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Sizes and reasons are data, how to go on is for people."""
    assert 0 == clean.clean(yes=False, as_json=False)
    told = capsys.readouterr()

    assert [] == removed
    assert "image indivillage/web:1  74 MB  last used 2026-01-01" in told.out
    assert "2 things, 74 MB would go; nothing was removed: inv clean --yes does it" in told.err


def test_eighty_columns_are_enough(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """For the longest names there are: a pushed one has an address before it and a commit behind it."""
    name = f"image 123456789012.dkr.ecr.ap-south-1.amazonaws.com/indivillage/frontend:prod-{'0' * 40}"
    whole = Waste(name, 1_234_500_000, "last used 2026-01-01", lambda: None)
    monkeypatch.setattr(clean, "_found", lambda _: [whole])

    clean.clean(yes=False, as_json=False)
    told = capsys.readouterr()

    assert max(map(len, (told.out + told.err).splitlines())) <= 80
    assert name[:40] in told.out


def test_yes_removes_it(removed: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == clean.clean(yes=True, as_json=False)
    assert ["image", "logs"] == removed
    assert "2 things, 74 MB removed" in capsys.readouterr().err


def test_json_is_one_object(removed: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    clean.clean(yes=False, as_json=True)
    answer = json.loads(capsys.readouterr().out)

    assert (False, 74_500_000, 2) == (answer["removed"], answer["bytes"], len(answer["items"]))
    assert {"what": ".cache/logs/old", "bytes": 0, "why": "last used 2026-01-01"} == answer["items"][1]


def test_nothing_to_remove_is_said(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(clean, "_found", lambda _: [])

    assert 0 == clean.clean(yes=True, as_json=False)
    assert ("", "nothing to remove\n") == tuple(capsys.readouterr())
