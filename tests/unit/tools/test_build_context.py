"""What goes into an image is what git would commit; its hash depends on nothing else."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from deployer.errors import InputError
from deployer.tools import build_context
from deployer.tools.build_context import BuildContext
from deployer.tools.dependencies import FIXED_TIME_S


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A git checkout with one image: a tracked file, a program, a link, a new file, an ignored file, a deleted one."""
    image = tmp_path / "checkout" / "docker" / "web"
    (image / "app").mkdir(parents=True)
    checkout = tmp_path / "checkout"
    (image / "Dockerfile").write_text("FROM scratch\n")
    (image / "app" / "main.py").write_text("x = 1\n")
    (image / "run").write_text("#!/bin/sh\n")
    (image / "run").chmod(0o700)
    (image / "link").symlink_to("app/main.py")
    (image / "deleted").write_text("")
    (checkout / ".gitignore").write_text("*.secret\n")
    (checkout / "elsewhere").write_text("not in the image")
    for command in (["init", "--quiet"], ["add", "."]):
        subprocess.run(["git", *command], cwd=checkout, check=True)
    (image / "deleted").unlink()
    (image / "new.txt").write_text("new")
    (image / "key.secret").write_text("secret")
    return checkout


def collect(root: Path, name: str = "web") -> BuildContext:
    """The context of docker/`name`."""
    return build_context.collect(root, name, os.environ)


def test_tracked_and_new_files_are_in_ignored_and_deleted_ones_are_not(root: Path) -> None:
    names = [str(place) for place, _ in collect(root).files]

    assert names == ["Dockerfile", "app/main.py", "link", "new.txt", "run"]


def test_local_cloud_takes_its_package_along(root: Path) -> None:
    (root / "docker/localcloud").mkdir()
    (root / "docker/localcloud/Dockerfile").write_text("FROM scratch\n")
    (root / "localcloud").mkdir()
    (root / "localcloud/entry.py").write_text("")

    names = [str(place) for place, _ in collect(root, "localcloud").files]

    assert names == ["Dockerfile", "localcloud/entry.py"]


def test_hash_is_the_same_in_another_checkout(root: Path, tmp_path: Path) -> None:
    """Another place, other times, another umask."""
    copy = tmp_path / "copy"
    shutil.copytree(root, copy, symlinks=True)
    (copy / "docker/web/app/main.py").chmod(0o600)
    os.utime(copy / "docker/web/app/main.py", (1, 1))

    assert collect(root).digest == collect(copy).digest


def change_content(image: Path) -> None:
    (image / "app/main.py").write_text("x = 2\n")


def change_mode(image: Path) -> None:
    (image / "app/main.py").chmod(0o755)


def change_name(image: Path) -> None:
    (image / "new.txt").rename(image / "newer.txt")


def change_link(image: Path) -> None:
    (image / "link").unlink()
    (image / "link").symlink_to("run")


@pytest.mark.parametrize("change", [change_content, change_mode, change_name, change_link])
def test_every_change_of_the_image_changes_the_hash(root: Path, change: Callable[[Path], None]) -> None:
    before = collect(root).digest

    change(root / "docker/web")

    assert before != collect(root).digest


def test_change_elsewhere_does_not(root: Path) -> None:
    before = collect(root).digest

    (root / "elsewhere").write_text("changed")

    assert before == collect(root).digest


def staged(root: Path, packages: Path | None = None) -> Path:
    """Stage the context of docker/web in `root`/cache."""
    return collect(root).stage(root / "cache", packages)


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    """A folder of installed packages."""
    folder = tmp_path / "packages-1"
    folder.mkdir()
    (folder / "pkg.py").write_text("")
    return folder


def test_staged_copy_is_settled(root: Path, packages: Path) -> None:
    """The same modes and times in every checkout; packages come along as they are."""
    folder = staged(root, packages)

    assert FIXED_TIME_S == (folder / "app").stat().st_mtime
    assert (folder / "run").stat().st_mode & 0o777 == 0o755
    assert (folder / "new.txt").stat().st_mode & 0o777 == 0o644
    assert (folder / "site-packages/pkg.py").samefile(packages / "pkg.py")
    assert (folder / "link").is_symlink()


def test_staged_folder_is_the_same_one_the_next_time(root: Path, packages: Path) -> None:
    """BuildKit asks for what changed only when it knows the folder again; a file that is gone is gone from it."""
    first = staged(root, packages)
    (root / "docker/web/new.txt").unlink()
    (root / "docker/web/app/main.py").write_text("x = 2\n")

    again = staged(root, packages)

    assert first == again
    assert "x = 2\n" == (again / "app/main.py").read_text()
    assert ["Dockerfile", "app", "link", "run", "site-packages"] == sorted(path.name for path in again.iterdir())


def test_change_that_keeps_the_size_changes_the_time(root: Path) -> None:
    """BuildKit compares size and time and reads no content: a fixed time would leave the old line in the image."""
    before = (staged(root) / "app/main.py").stat()
    (root / "docker/web/app/main.py").write_text("x = 2\n")
    after = (staged(root) / "app/main.py").stat()

    assert before.st_size == after.st_size
    assert before.st_mtime_ns != after.st_mtime_ns


def test_unchanged_file_keeps_its_time_in_every_checkout(root: Path) -> None:
    assert (staged(root) / "run").stat().st_mtime_ns == (staged(root) / "run").stat().st_mtime_ns


def test_other_packages_are_staged_elsewhere_and_the_old_folder_goes(root: Path, packages: Path) -> None:
    """All packages have one time: in the same folder a changed file of equal size would be overlooked."""
    first = staged(root, packages)
    other = packages.with_name("packages-2")
    shutil.copytree(packages, other)

    assert first != staged(root, other)
    assert not first.exists()


def test_unknown_image_is_named(root: Path) -> None:
    with pytest.raises(InputError, match="docker/nothing/Dockerfile does not exist"):
        collect(root, "nothing")


def test_folder_without_git_is_an_input_error(root: Path) -> None:
    shutil.rmtree(root / ".git")

    with pytest.raises(InputError, match="git could not"):
        collect(root)
