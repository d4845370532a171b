"""Packages are chosen for the image's Python and platform, not for the host's: tried with uv itself on little wheels.

Plain pip asks its own interpreter what a marker says, so an image would get what suits the developer's machine.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from deployer.errors import GateFailed
from deployer.tools import dependencies
from deployer.tools.dependencies import Dependencies
from tests.examples import ROOT


@dataclass
class Shelf:
    """A folder of wheels, which is all that uv may look at, and a lock file that names them with their hashes."""

    root: Path
    lines: list[str] = field(default_factory=list)

    def wheel(self, name: str, tag: str = "py3-none-any", marker: str = "") -> None:
        """Add version 1 of a package whose module holds its wheel's tag; MARKER says when it is wanted."""
        file = self.root / "wheels" / f"{name}-1-{tag}.whl"
        file.parent.mkdir(exist_ok=True)
        info = f"{name}-1.dist-info"
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr(f"{name}.py", f"tag = {tag!r}\n")
            archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
            archive.writestr(f"{info}/WHEEL", f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n")
            archive.writestr(f"{info}/RECORD", f"{name}.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        wanted = f"{name}==1{f' ; {marker}' if marker else ''}"
        known = next((n for n, line in enumerate(self.lines) if line.startswith(wanted)), None)
        if known is None:
            self.lines.append(f"{wanted} --hash=sha256:{digest}")
        else:
            self.lines[known] += f" --hash=sha256:{digest}"

    def staged(self, architecture: str = "amd64") -> dict[str, str]:
        """What is installed: module and the wheel it came from."""
        uv = Path(shutil.which("uv") or ROOT / ".venv" / "bin" / "uv")
        if not uv.exists():
            pytest.fail("uv is neither in PATH nor in .venv: ./scripts/inv puts it there")
        lock = self.root / "requirements.txt"
        lock.write_text("\n".join(self.lines) + "\n")
        settings = self.root / "uv.toml"
        settings.write_text(f"no-index = true\nfind-links = ['{self.root / 'wheels'}']\n")
        environ = {
            "PATH": os.environ["PATH"],
            "UV_CONFIG_FILE": str(settings),
            "UV_CACHE_DIR": str(self.root / "uv"),
        }
        packages = Dependencies(self.root, uv, environ, self.root / ".cache")
        folder = packages.stage(lock, architecture, self.root / "log")
        return {path.stem: path.read_text().split("'")[1] for path in folder.glob("*.py")}


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    """An empty one."""
    return Shelf(tmp_path)


@pytest.mark.parametrize(("python", "expected"), [("3.11", "old"), ("3.12", "new"), ("3.14", "new")])
def test_markers_are_read_for_the_images_python(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, python: str, expected: str
) -> None:
    """Whatever Python runs the test, two of three cases are another than it."""
    monkeypatch.setattr(dependencies, "PYTHON_VERSION", python)
    shelf.wheel("old", marker='python_version < "3.12"')
    shelf.wheel("new", marker='python_version >= "3.12"')

    assert {expected} == set(shelf.staged())


@pytest.mark.parametrize(("architecture", "machine"), [("amd64", "x86_64"), ("arm64", "aarch64")])
def test_wheels_are_the_platforms_own(shelf: Shelf, architecture: str, machine: str) -> None:
    """Both are in the lock file with their hashes; markers of the machine are the image's too."""
    for each in ("x86_64", "aarch64"):
        shelf.wheel("compiled", f"cp311-cp311-manylinux_2_28_{each}")
        shelf.wheel(f"only_{each}", marker=f'platform_machine == "{each}"')

    assert {
        "compiled": f"cp311-cp311-manylinux_2_28_{machine}",
        f"only_{machine}": "py3-none-any",
    } == shelf.staged(architecture)


def test_wheel_of_another_hash_is_refused(shelf: Shelf) -> None:
    shelf.wheel("changed")
    shelf.lines = [line.replace("sha256:", "sha256:00")[: -len("00")] for line in shelf.lines]

    with pytest.raises(GateFailed, match="install the Python packages"):
        shelf.staged()


def test_package_without_a_hash_is_refused(shelf: Shelf) -> None:
    shelf.wheel("unlocked")
    shelf.lines = ["unlocked==1"]

    with pytest.raises(GateFailed, match="install the Python packages"):
        shelf.staged()
