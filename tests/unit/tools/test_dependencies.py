"""An image's Python packages: installed for the image, reproducible, and only when the lock file changed."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from deployer.errors import GateFailed, InputError
from deployer.tools.dependencies import FIXED_TIME_S, Dependencies
from tests.unit.tools.engine import program

UV = """
echo "$*" >> "$CALLS"
while [ "$1" != --target ]; do shift; done
mkdir -p "$2/pkg" "$2/bin" "$2/pkg-1.dist-info"
echo "x = 1" > "$2/pkg/__init__.py"
echo "#!$0" > "$2/bin/pkg"
printf '../../bin/pkg,sha256=1,2\\npkg/__init__.py,sha256=3,4\\n' > "$2/pkg-1.dist-info/RECORD"
"""


def dependencies(root: Path, uv: str = UV) -> Dependencies:
    """Dependencies of a checkout at `root` whose uv is this script."""
    program(root / "bin", "uv", uv)
    (root / "requirements.txt").write_text("pkg==1 --hash=sha256:00\n")
    environ = {"PATH": os.environ["PATH"], "CALLS": str(root / "calls")}
    return Dependencies(root, root / "bin" / "uv", environ, root / ".cache")


def stage(found: Dependencies, architecture: str = "amd64") -> Path:
    """Stage the packages of requirements.txt."""
    return found.stage(found.root / "requirements.txt", architecture, found.root / "log")


def test_packages_are_installed_for_the_image_with_hashes_and_without_building(tmp_path: Path) -> None:
    packages = stage(dependencies(tmp_path))

    (call,) = (tmp_path / "calls").read_text().splitlines()
    assert (packages / "pkg/__init__.py").read_text() == "x = 1\n"
    assert "--require-hashes --no-build" in call
    assert "--python-version 3.11 --python-platform x86_64-manylinux_2_28" in call


def test_unchanged_lock_file_installs_nothing(tmp_path: Path) -> None:
    found = dependencies(tmp_path)

    assert stage(found) == stage(found)
    assert len((tmp_path / "calls").read_text().splitlines()) == 1


def test_taking_packages_again_marks_them_as_used(tmp_path: Path) -> None:
    """`inv clean` goes by the inode's last change: the file time is part of what is staged."""
    found = dependencies(tmp_path)
    before = stage(found).stat()

    def later() -> bool:
        return stage(found).stat().st_ctime_ns > before.st_ctime_ns

    deadline = time.monotonic() + 5  # the kernel's clock for files ticks every few milliseconds
    while not later() and time.monotonic() < deadline:
        pass
    assert later()
    assert before.st_mtime_ns == stage(found).stat().st_mtime_ns


def test_changed_lock_file_or_architecture_installs_elsewhere(tmp_path: Path) -> None:
    found = dependencies(tmp_path)
    first, other = stage(found), stage(found, "arm64")
    (tmp_path / "requirements.txt").write_text("pkg==2 --hash=sha256:00\n")

    assert len({first, other, stage(found)}) == 3


def test_nothing_names_the_checkout_or_the_time(tmp_path: Path) -> None:
    """Programs carry the path of our Python in their first line, and RECORD their hash."""
    old = os.umask(0o077)
    try:
        packages = stage(dependencies(tmp_path))
    finally:
        os.umask(old)

    assert not (packages / "bin").exists()
    assert (packages / "pkg-1.dist-info/RECORD").read_text() == "pkg/__init__.py,sha256=3,4\n"
    assert {path.stat().st_mtime for path in packages.rglob("*")} == {FIXED_TIME_S}
    assert (packages / "pkg").stat().st_mode & 0o777 == 0o755
    assert (packages / "pkg/__init__.py").stat().st_mode & 0o777 == 0o644


def test_failed_installation_leaves_nothing_behind_and_says_why(tmp_path: Path) -> None:
    found = dependencies(tmp_path, UV + "echo 'hash mismatch for pkg'; exit 1")

    with pytest.raises(GateFailed, match=r"packages of requirements\.txt") as caught:
        stage(found)

    assert "hash mismatch for pkg" in caught.value.details
    assert [path.name for path in (tmp_path / ".cache/site-packages").iterdir()] == ["lock"]


def test_unknown_architecture_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="riscv64"):
        stage(dependencies(tmp_path), "riscv64")
