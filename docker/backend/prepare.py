"""Build step: make the staged Python packages smaller and quicker to import. Used by the Dockerfile only.

    python3 prepare.py SITE_PACKAGES KEPT_SERVICE ...

botocore carries a model of every AWS service (28 MB); those not named are removed. Everything is compiled here because
the container's file system is read-only; unchecked hashes make the result independent of file times.
"""

import compileall
import shutil
import sys
from pathlib import Path
from py_compile import PycInvalidationMode


def drop_models(data: Path, keep: frozenset[str]) -> int:
    """Remove every service folder under botocore's DATA that is not in KEEP; return how many went."""
    if missing := keep - {path.name for path in data.iterdir()}:
        raise SystemExit(f"botocore has no model of {', '.join(sorted(missing))} in {data}: is the name right?")
    gone = [path for path in data.iterdir() if path.is_dir() and path.name not in keep]
    for path in gone:
        shutil.rmtree(path)
    return len(gone)


def main(target: Path, keep: frozenset[str]) -> None:
    """Trim and compile TARGET."""
    drop_models(target / "botocore" / "data", keep)
    for cache in (*target.rglob("__pycache__"), target / "bin"):
        shutil.rmtree(cache, ignore_errors=True)
    if not compileall.compile_dir(target, quiet=1, invalidation_mode=PycInvalidationMode.UNCHECKED_HASH):
        raise SystemExit(f"some files under {target} do not compile")


if __name__ == "__main__":
    main(Path(sys.argv[1]), frozenset(sys.argv[2:]))
