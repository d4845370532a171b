"""Gives what was built the id that its content deserves: the same content and settings, the same id.

The layers are equal already (the Dockerfiles see to that), but BuildKit stamps the time of the build into the image's
config, twice a step, and an old one cannot be told not to. So the config is written again with the commit's time and
loaded into the engine. The archive that is loaded has no layers: the engine looks for each by its hash, has it, and
reads no further (moby, image/tarexport/load.go). It takes 0.06 s; nothing is moved.

That is how an engine with its classic image store works. One with containerd's names images by their manifest, and
its BuildKit is new enough to stamp the commit's time (SOURCE_DATE_EPOCH): there is nothing left to do.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import tarfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from deployer.tools.docker_cli import reaching_engine
from deployer.tools.official_images import mark_used

if TYPE_CHECKING:
    from docker import DockerClient

_SETTINGS = (
    *("User", "ExposedPorts", "Env", "Entrypoint", "Cmd", "Volumes", "WorkingDir", "Labels", "StopSignal"),
    *("Healthcheck", "Shell", "OnBuild"),
)
"""What an image may say about its containers: OCI's image config, and Docker's own last three. Engines add more."""
_MAKES_LAYER = re.compile(r"^(RUN|COPY|ADD|WORKDIR)\b")


def settle(engine: DockerClient, name: str, reference: str, created: datetime) -> str:
    """Give the image `name` its id, which is returned, and call it `reference`; `name` goes."""
    with reaching_engine(f"settle the image {reference}"):
        built = engine.images.get(name)
        archive, settled_id = _archive(settled_config(built.attrs, built.history(), created), reference)
        engine.images.load(archive)
        mark_used(engine.images.get(reference), reference)
        engine.images.remove(name, noprune=True)
    return settled_id


def settled_config(seen: Mapping[str, Any], history: Sequence[Mapping[str, Any]], created: datetime) -> bytes:
    """Return the config of an image from what the engine says of it, the same bytes for the same content."""
    moment = created.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    config = {
        "architecture": seen["Architecture"],
        **({"variant": seen["Variant"]} if seen.get("Variant") else {}),
        "os": seen["Os"],
        "created": moment,
        "config": {name: seen["Config"][name] for name in _SETTINGS if seen["Config"].get(name)},
        "rootfs": {"type": "layers", "diff_ids": seen["RootFS"]["Layers"]},
        "history": _history(history, len(seen["RootFS"]["Layers"]), moment),
    }
    return json.dumps(config, sort_keys=True, separators=(",", ":")).encode()


def _history(history: Sequence[Mapping[str, Any]], layers: int, moment: str) -> list[dict[str, object]]:
    """Oldest first. The engine does not say which steps made a layer: it is read from the step, or left out."""
    steps: list[dict[str, object]] = []
    for step in reversed(history):
        ours = step["Comment"].startswith("buildkit.")
        makes_layer = bool(_MAKES_LAYER.match(step["CreatedBy"])) if ours else step["Size"] > 0
        empty = {} if makes_layer else {"empty_layer": True}
        steps.append({"created": moment, "created_by": step["CreatedBy"], **empty})
    return steps if sum("empty_layer" not in step for step in steps) == layers else []


def _archive(config: bytes, reference: str) -> tuple[io.BytesIO, str]:
    """A docker-archive that has the config alone."""
    identity = hashlib.sha256(config).hexdigest()
    diff_ids = json.loads(config)["rootfs"]["diff_ids"]
    layers = [f"{diff_id.partition(':')[2]}/layer.tar" for diff_id in diff_ids]
    manifest = [{"Config": f"{identity}.json", "RepoTags": [reference], "Layers": layers}]
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w") as tar:
        for name, content in ((f"{identity}.json", config), ("manifest.json", json.dumps(manifest).encode())):
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    whole.seek(0)
    return whole, f"sha256:{identity}"
