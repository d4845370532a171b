"""The files of a checkout as git would commit them, and what of a file counts: where it is, what it is, what it holds.

Times, owners and the other permission bits are left out: git does not carry them, so they differ between checkouts.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

from deployer.errors import InputError
from deployer.tools import process


def listed(root: Path, folder: str, environ: Mapping[str, str]) -> list[Path]:
    """Return what is tracked, or new and not ignored, under `folder`, relative to `root`. Raises InputError."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate", "--", folder]
    done = process.run(command, cwd=root, env=environ, capture=True, install="install git")
    if not done.ok:
        raise InputError(f"list the files of {folder}", "git could not", "run from a git checkout", details=done.tail)
    paths = [Path(name) for name in done.output.split("\0") if name]
    # A file deleted but not yet committed is still listed.
    return [path for path in paths if (root / path).is_symlink() or (root / path).is_file()]


def fingerprint(file: Path) -> str:
    """`file`, `program` or `link`, and the SHA-256 of its content (of a link: of where it leads). Raises OSError."""
    if file.is_symlink():
        kind, content = "link", os.fsencode(file.readlink())
    else:
        kind, content = ("program" if os.access(file, os.X_OK) else "file"), file.read_bytes()
    return f"{kind}\0{hashlib.sha256(content).hexdigest()}"
