"""Images are built when, and only when, something that goes into them changed."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from deployer.errors import GateFailed, Unreachable
from deployer.model import BuiltImage
from deployer.tools import platforms
from deployer.tools.base_image import BaseImage, read_bootstrap
from deployer.tools.dependencies import Dependencies
from deployer.tools.image_build import ImageBuilder
from deployer.tools.official_images import OfficialImages
from tests.unit.tools.engine import BUILT, Engine, docker_cli, program
from tests.unit.tools.test_base_image import IMAGES

DIGEST = "sha256:" + "ef" * 32
UV = 'while [ "$1" != --target ]; do shift; done; mkdir -p "$2"; touch "$2/pkg.py"'
CREATED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A checkout with two images, and a docker that builds."""
    for name, text in (
        ("base/images.toml", IMAGES.replace("[official]", f'[official]\nredis = "redis:7@{DIGEST}"')),
        ("web/Dockerfile", "ARG BASE\nFROM ${BASE}\nARG COMMIT=unknown\nCOPY app.py /\n"),
        ("web/app.py", "x = 1\n"),
        ("web/requirements.txt", "pkg==1\n"),
        ("redis/Dockerfile", "ARG BASE\nFROM ${BASE}\n"),
    ):
        path = tmp_path / "docker" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (tmp_path / "elsewhere").write_text("x")
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    docker_cli(tmp_path / "bin", tmp_path / "built")
    program(tmp_path / "bin", "uv", UV)
    return tmp_path


def commit(root: Path, message: str) -> str:
    """Commit everything; return the SHA."""
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run([*git, "add", "docker", "elsewhere"], cwd=root, check=True)
    subprocess.run([*git, "commit", "--quiet", "--message", message], cwd=root, check=True)
    return subprocess.check_output(["git", "rev-parse", "HEAD"], cwd=root, text=True).strip()


def with_base(root: Path, identity: str = "sha256:base") -> Engine:
    """An engine that has the base and reaches no registry."""
    return Engine(root / "built", there={read_bootstrap(root).reference(): identity})


def build(
    root: Path,
    engine: Engine,
    name: str = "web",
    commit: str = "a" * 40,
    platform: str = "",
    say: Callable[[str], None] = lambda _: None,
    **variables: str,
) -> BuiltImage:
    """Build docker/`name`."""
    environ = {"PATH": f"{root / 'bin'}{os.pathsep}{os.environ['PATH']}", **variables}
    official = OfficialImages(root, engine, probing=lambda: engine)
    base = BaseImage(root, engine, official, environ)
    packages = Dependencies(root, root / "bin/uv", environ, root / ".cache")
    builder = ImageBuilder(root, engine, environ, official, base, packages, root / ".cache")
    return builder.build(name, commit=commit, created=CREATED, log=root / "log", say=say, platform=platform)


def test_image_is_built_from_its_context_packages_and_base(root: Path) -> None:
    engine = with_base(root)

    built = build(root, engine)

    arguments = (root / "built.arguments").read_text().splitlines()
    assert built == BuiltImage("web", built.reference, built.image_id, 1000, cached=False)
    assert built.image_id == engine.there[built.reference]
    assert built.reference.startswith("indivillage/web:")
    assert f"BASE={read_bootstrap(root).reference()}" in arguments
    assert "SOURCE_DATE_EPOCH=1767323045" in arguments
    assert f"org.opencontainers.image.revision={'a' * 40}-dirty" in arguments
    assert "org.opencontainers.image.created=2026-01-02T03:04:05Z" in arguments
    assert (root / "built.context").read_text().split() == [
        "./Dockerfile", "./app.py", "./requirements.txt", "./site-packages/pkg.py",
    ]  # fmt: skip


def test_unchanged_image_is_not_built_again_not_even_at_another_commit(root: Path) -> None:
    engine = with_base(root)
    commit(root, "one")
    first = build(root, engine)
    (root / "elsewhere").write_text("changed")
    commit(root, "two")

    second = build(root, engine, commit="b" * 40)

    assert not first.cached
    assert second.cached
    assert second.reference == first.reference
    assert len((root / "built").read_text().splitlines()) == 1


def test_labels_name_the_commit_that_changed_the_image_and_say_dirty(root: Path) -> None:
    """Not the commit that is released: two machines that build the same commit then make the same image."""
    changed = commit(root, "one")
    (root / "elsewhere").write_text("changed")
    commit(root, "two")

    build(root, with_base(root))
    with (root / "docker/web/app.py").open("a") as file:
        file.write("# not committed\n")
    build(root, with_base(root))

    labels = [w for w in (root / "built.arguments").read_text().splitlines() if ".revision=" in w]
    assert [f"org.opencontainers.image.revision={changed}{end}" for end in ("", "-dirty")] == labels


def test_image_that_was_tried_out_before_it_was_committed_is_named_anew(root: Path) -> None:
    """The same files, but one label says that nobody else can build them."""
    dirty = build(root, with_base(root))
    commit(root, "one")

    assert dirty.reference != build(root, with_base(root)).reference


def test_engine_with_containerds_store_names_the_image_itself(root: Path) -> None:
    """Its exporter settles the times, and its id is the manifest's digest: nothing is loaded again."""
    docker_cli(root / "bin", root / "built", buildx="0.13.1")
    engine = with_base(root)
    engine.containerd = True

    built = build(root, engine, BUILD_CACHE="registry.test/cache")

    arguments = (root / "built.arguments").read_text().splitlines()
    kept = "type=registry,ref=registry.test/cache:web-amd64"
    assert (BUILT, []) == (built.image_id, engine.loaded)
    assert [built.reference, kept, f"{kept},mode=max,ignore-error=true"] == [
        arguments[arguments.index(flag) + 1] for flag in ("--tag", "--cache-from", "--cache-to")
    ]


def test_cache_that_the_engine_cannot_keep_is_said(root: Path) -> None:
    """Nobody waits for a cache that was never written."""
    said: list[str] = []

    build(root, with_base(root), say=said.append, BUILD_CACHE="registry.test/cache")

    assert 1 == len([line for line in said if "BUILD_CACHE is passed over" in line])
    assert "--cache-to" not in (root / "built.arguments").read_text()


def test_image_for_a_platform_that_does_not_run_here_is_refused_before_anything_is_built(root: Path) -> None:
    with pytest.raises(Unreachable, match="linux/arm64") as caught:
        build(root, with_base(root), platform="linux/arm64")

    assert "qemu-user-static" in caught.value.hint
    assert not (root / "built").exists()


def test_image_for_another_platform_has_its_own_base_packages_and_name(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platforms, "require", lambda *_: None)
    engine = with_base(root)
    engine.there[read_bootstrap(root).reference("arm64")] = "sha256:foreign"

    native, foreign = build(root, engine, platform="linux/amd64"), build(root, engine, platform="linux/arm64")

    arguments = (root / "built.arguments").read_text().splitlines()
    assert native.reference != foreign.reference
    assert ["linux/arm64"] == [word for word in arguments if word.startswith("linux/")]
    assert f"BASE={read_bootstrap(root).reference('arm64')}" in arguments
    assert 2 == len([path for path in (root / ".cache/site-packages").iterdir() if path.is_dir()])


@pytest.mark.parametrize("name", ["app.py", "Dockerfile", "requirements.txt", "new.py"])
def test_any_change_of_a_file_builds_another_image(root: Path, name: str) -> None:
    engine = with_base(root)
    first = build(root, engine)

    with (root / "docker/web" / name).open("a") as file:
        file.write("# changed\n")

    assert first.reference != build(root, engine).reference


def test_another_base_builds_another_image(root: Path) -> None:
    first = build(root, with_base(root))
    (root / "built").unlink()

    assert first.reference != build(root, with_base(root, "sha256:newer")).reference


def test_argument_is_passed_only_to_a_dockerfile_that_takes_it(root: Path) -> None:
    """An argument that nobody takes is a warning in every build's log."""
    build(root, with_base(root), "redis")

    assert not any(word.startswith("COMMIT=") for word in (root / "built.arguments").read_text().splitlines())


def test_official_image_stands_in_for_ours_where_it_can_be_pulled(root: Path) -> None:
    engine = with_base(root)
    engine.registry = {f"redis@{DIGEST}": "sha256:official"}

    pulled, again = build(root, engine, "redis"), build(root, engine, "redis")

    assert pulled == BuiltImage(
        "redis", "indivillage/redis:official-efefefefefef", "sha256:official", 1000, cached=False
    )
    assert again.cached
    assert not (root / "built").exists()


def test_base_itself_can_be_asked_for(root: Path) -> None:
    asked = build(root, with_base(root), "base")

    assert asked == BuiltImage("base", read_bootstrap(root).reference(), "sha256:base", 1000, cached=True)


def test_failed_build_is_a_failed_gate(root: Path) -> None:
    docker_cli(root / "bin", root / "built", fails="echo 'ERROR: step failed'; exit 1")

    with pytest.raises(GateFailed, match="ERROR: step failed"):
        build(root, with_base(root))
