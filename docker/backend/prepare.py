"""Build step: make the staged Python packages smaller and quicker to import. Used by the Dockerfile only.

    python3 prepare.py SITE_PACKAGES KEPT_SERVICE ...

botocore carries a model of every AWS service (28 MB); those not named are removed. The others lose their documentation
and are unpacked, and the table of endpoints keeps what is named: a container would spend 20 ms of its start on reading
what nobody asks for (measured). Everything is compiled here because the container's file system is read-only; unchecked
hashes make the result independent of file times.
"""

import compileall
import gzip
import json
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


def unpack(packed: Path) -> None:
    """Put beside PACKED, a model, what it holds but for its texts, and remove it; botocore reads either."""
    model = without_texts(json.loads(gzip.decompress(packed.read_bytes())))
    packed.with_suffix("").write_text(json.dumps(model, separators=(",", ":")), encoding="utf-8")
    packed.unlink()


def without_texts(model: object) -> object:
    """MODEL with an empty documentation; a member of that name is not a text and stays."""
    if isinstance(model, dict):
        return {
            key: "" if key == "documentation" and isinstance(value, str) else without_texts(value)
            for key, value in model.items()
        }
    return [without_texts(value) for value in model] if isinstance(model, list) else model


def drop_endpoints(data: Path) -> None:
    """Leave in botocore's table of endpoints the services whose models are in DATA, under the names they have there."""
    models = [json.loads(path.read_bytes()) for path in data.glob("*/*/service-2.json")]
    kept = {model["metadata"]["endpointPrefix"] for model in models}
    table = data / "endpoints.json"
    known = json.loads(table.read_bytes())
    for partition in known["partitions"]:
        partition["services"] = {name: one for name, one in partition["services"].items() if name in kept}
    table.write_text(json.dumps(known, separators=(",", ":")), encoding="utf-8")


def main(target: Path, keep: frozenset[str]) -> None:
    """Trim and compile TARGET."""
    data = target / "botocore" / "data"
    drop_models(data, keep)
    for packed in data.rglob("*.json.gz"):
        unpack(packed)
    drop_endpoints(data)
    for cache in (*target.rglob("__pycache__"), target / "bin"):
        shutil.rmtree(cache, ignore_errors=True)
    if not compileall.compile_dir(target, quiet=1, invalidation_mode=PycInvalidationMode.UNCHECKED_HASH):
        raise SystemExit(f"some files under {target} do not compile")


if __name__ == "__main__":
    main(Path(sys.argv[1]), frozenset(sys.argv[2:]))
