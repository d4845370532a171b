"""`inv build`: one image a service, or one for each platform that is asked for."""

from __future__ import annotations

import json
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import pytest

from deployer import local
from deployer.errors import InputError, Unreachable
from deployer.model import BuiltImage


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """What was built, by name and platform, on a machine that cannot build for arm64."""
    done: list[tuple[str, str]] = []

    def build(name: str, commit: str, created: datetime, say: Any, platform: str = "") -> BuiltImage:
        done.append((name, platform))
        return BuiltImage(name, f"indivillage/{name}:{platform[-5:] or 'own'}", "sha256:1", 42_000_000, cached=False)

    def require(platform: str) -> None:
        if platform == "linux/arm64":
            raise Unreachable("build for linux/arm64", "nothing runs arm64 programs", "install qemu")

    monkeypatch.setattr(local, "_site", lambda: SimpleNamespace(build=build, require=require))
    return done


def build(only_for: str = "", *, as_json: bool = True) -> int:
    """The command itself."""
    return local.images(local.APPLICATION, as_json=as_json, only_for=only_for)


def test_without_platforms_json_maps_services_to_references(
    built: list[tuple[str, str]], capsys: pytest.CaptureFixture[str]
) -> None:
    """Nox reads this. The base comes first: the others start from it."""
    assert 0 == build()
    assert {"backend": "indivillage/backend:own", "frontend": "indivillage/frontend:own"} == json.loads(
        capsys.readouterr().out
    )
    assert ("base", "") == built[0]


def test_each_platform_has_an_image_of_its_own(
    built: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    site = local._site()
    monkeypatch.setattr(local, "_site", lambda: SimpleNamespace(build=site.build, require=lambda _: None))

    build("linux/amd64,linux/arm64")

    assert {
        "linux/amd64": "indivillage/backend:amd64",
        "linux/arm64": "indivillage/backend:arm64",
    } == json.loads(capsys.readouterr().out)["backend"]
    assert [("base", "linux/amd64"), ("base", "linux/arm64")] == [call for call in built if call[0] == "base"]


def test_people_read_service_and_platform(built: list[tuple[str, str]], capsys: pytest.CaptureFixture[str]) -> None:
    build("linux/amd64", as_json=False)

    assert "backend linux/amd64   indivillage/backend:amd64  42 MB" in capsys.readouterr().out


def test_a_platform_that_cannot_be_built_here_is_said_before_any_is_built(built: list[tuple[str, str]]) -> None:
    with pytest.raises(Unreachable, match="linux/arm64"):
        build("linux/amd64,linux/arm64")

    assert [] == built


def test_an_unknown_platform_is_bad_input(built: list[tuple[str, str]]) -> None:
    with pytest.raises(InputError, match="linux/mips"):
        build("linux/mips")

    assert [] == built
