"""The base image: pulled, else bootstrapped with mmdebstrap into an archive that is the same every time."""

from __future__ import annotations

import os
from pathlib import Path
from threading import Thread

import pytest

from deployer.errors import GateFailed, Unreachable
from deployer.tools.base_image import BaseImage, read_bootstrap, write_archive
from deployer.tools.official_images import OfficialImages
from tests.unit.tools.engine import Engine, program

DIGEST = "sha256:" + "cd" * 32
IMAGES = f"""
[official]
base = "debian:bookworm-slim@{DIGEST}"
[bootstrap]
suite = "bookworm"
include = ["usr-is-merged"]
dpkg_options = ["force-unsafe-io"]
refreshed = 2026-01-02
"""
MMDEBSTRAP = """
echo "$SOURCE_DATE_EPOCH $*" >> "$CALLS"
for word in "$@"; do last=$word; done
echo content > "$last"
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A checkout with the settings above."""
    (tmp_path / "docker/base").mkdir(parents=True)
    (tmp_path / "docker/base/images.toml").write_text(IMAGES)
    return tmp_path


def base(root: Path, engine: Engine, mmdebstrap: str | None = MMDEBSTRAP) -> BaseImage:
    """The base of `root`; programs are found in its bin folder alone."""
    (root / "bin").mkdir(exist_ok=True)
    for name in ("sh", "setpriv"):
        (root / "bin" / name).unlink(missing_ok=True)
        (root / "bin" / name).symlink_to(f"/usr/bin/{name}")
    if mmdebstrap:
        program(root / "bin", "mmdebstrap", mmdebstrap)
    official = OfficialImages(root, engine, probing=lambda: engine)
    environ = {"PATH": str(root / "bin"), "CALLS": str(root / "calls")}
    return BaseImage(root, engine, official, environ)


def ensure(image: BaseImage) -> str:
    """Ensure the base and return its name."""
    return image.ensure(image.root / "log", lambda _: None).reference


def test_official_image_is_used_where_it_can_be_pulled(root: Path) -> None:
    engine = Engine(root / "built", registry={f"debian@{DIGEST}": "sha256:1"})

    assert ensure(base(root, engine)) == "indivillage/base:official-cdcdcdcdcdcd"
    assert not (root / "calls").exists()


def test_without_a_registry_the_base_is_bootstrapped_once(root: Path) -> None:
    engine = Engine(root / "built")
    image = base(root, engine)

    first, second = ensure(image), ensure(base(root, engine))

    (call,) = (root / "calls").read_text().splitlines()
    assert first == second == read_bootstrap(root).reference()
    assert call.startswith("1767312000 --quiet --mode=auto")
    assert "--include=usr-is-merged --dpkgopt=force-unsafe-io" in call
    assert engine.loaded[0]["manifest"]["RepoTags"] == [first]
    assert engine.loaded[0]["config"]["architecture"] == "amd64"
    assert list((root / ".cache").glob("base-*")) == []


def test_runs_at_once_bootstrap_once(root: Path) -> None:
    engine = Engine(root / "built")
    image = base(root, engine)
    threads = [Thread(target=ensure, args=(image,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert len((root / "calls").read_text().splitlines()) == 1


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("bookworm", "trixie"),
        ("usr-is-merged", "usrmerge"),
        ("force-unsafe-io", "force-x"),
        ("2026-01-02", "2026-01-03"),
    ],
)
def test_every_setting_changes_the_name(root: Path, old: str, new: str) -> None:
    before = read_bootstrap(root).reference()
    settings = root / "docker/base/images.toml"
    head, _, tail = settings.read_text().partition("[bootstrap]")
    settings.write_text(f"{head}[bootstrap]{tail.replace(old, new)}")

    assert before != read_bootstrap(root).reference()


def test_failed_bootstrap_shows_the_last_words(root: Path) -> None:
    image = base(root, Engine(root / "built"), "echo 'E: unable to download'; exit 25")

    with pytest.raises(GateFailed, match="exit code 25") as caught:
        ensure(image)

    assert caught.value.details == ("E: unable to download",)


def test_missing_mmdebstrap_is_installed(root: Path) -> None:
    target = root / "bin" / "mmdebstrap"
    written = f"printf '#!/bin/sh\\n%s' '{MMDEBSTRAP}' > {target}; /bin/chmod 755 {target}"
    script = f'echo "$*" > "{root}/installed"; {written}'
    program(root / "scripts", "apt-install", script)

    ensure(base(root, Engine(root / "built"), mmdebstrap=None))

    assert (root / "installed").read_text() == "mmdebstrap debian-archive-keyring uidmap\n"


def test_another_architecture_takes_what_asks_whether_it_runs_here(root: Path) -> None:
    """Without it mmdebstrap refuses a foreign architecture, by an exit code alone."""
    program(root / "scripts", "apt-install", f'echo "$*" > "{root}/installed"')

    base(root, Engine(root / "built")).ensure(root / "log", lambda _: None, foreign="arm64")

    assert (root / "installed").read_text() == "arch-test\n"


def test_neither_registry_nor_mmdebstrap_says_what_is_needed(root: Path) -> None:
    program(root / "scripts", "apt-install", "exit 30")

    with pytest.raises(Unreachable, match="no image registry is in reach") as caught:
        ensure(base(root, Engine(root / "built"), mmdebstrap=None))

    assert "apt-get install mmdebstrap" in caught.value.hint


def test_archive_is_the_same_bytes_every_time(tmp_path: Path) -> None:
    archives = [tmp_path / "one.tar", tmp_path / "two.tar"]
    for number, archive in enumerate(archives):
        layer = tmp_path / f"layer-{number}"
        layer.write_bytes(b"x" * 1000)
        os.utime(layer, (number, number))
        write_archive(layer, archive, "indivillage/base:x", "amd64", 1767312000)

    assert archives[0].read_bytes() == archives[1].read_bytes()
