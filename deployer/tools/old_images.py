"""Images of ours in the local engine that nobody uses any more, and BuildKit's cache. The rule is in `waste`."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from deployer.tools.docker_cli import reaching_engine
from deployer.tools.waste import BUILD_CACHE_BYTES, NEWEST, UNUSED_FOR, Waste

if TYPE_CHECKING:
    from docker import DockerClient

_OURS = re.compile(r"^((localhost:\d+|\d{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com)/)?indivillage/[a-z0-9-]+$")
_NEVER = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class NamedImage:
    """One name of an image in the engine: an image has several, and goes with the last of them."""

    repository: str
    tag: str
    image_id: str
    used_at: datetime

    @property
    def reference(self) -> str:
        """What docker calls it."""
        return f"{self.repository}:{self.tag}"


def unused(named: Sequence[NamedImage], in_containers: frozenset[str], now: datetime) -> list[NamedImage]:
    """Return those of `named` that go by the rule; `in_containers` are ids of images that containers were made of."""
    by_repository: dict[str, list[NamedImage]] = defaultdict(list)
    for image in named:
        by_repository[image.repository].append(image)
    gone = []
    for repository, images in sorted(by_repository.items()):
        if not _OURS.match(repository):
            continue
        old_first = sorted(images, key=lambda image: image.used_at)
        candidates = old_first[: max(0, len(old_first) - NEWEST)]
        gone += [i for i in candidates if i.image_id not in in_containers and now - i.used_at > UNUSED_FOR]
    return gone


def find(engine: DockerClient, now: datetime) -> list[Waste]:
    """Return the images that go, and the part of BuildKit's cache that does. Raises Unreachable."""
    with reaching_engine("look for old images"):
        # Stopped containers too: they may be started again.
        in_containers = frozenset(
            str(container.attrs["ImageID"]) for container in engine.containers.list(all=True, sparse=True)
        )
        usage = engine.df()
        summaries = usage["Images"] or ()
        named = [image for summary in summaries for image in _ours(engine, summary)]
    sizes = {str(i["Id"]): int(i["Size"]) - max(0, int(i.get("SharedSize", 0))) for i in summaries}
    found = []
    for image in unused(named, in_containers, now):
        # An image of several names takes its space once.
        size = sizes.pop(image.image_id, 0)
        found.append(
            Waste(f"image {image.reference}", size, f"last used {image.used_at:%Y-%m-%d}", _Untag(engine, image))
        )
    return [*found, *_build_cache(engine, usage.get("BuildCache") or (), now)]


def _ours(engine: DockerClient, summary: Mapping[str, Any]) -> list[NamedImage]:
    """Its names, those that are ours; none when it went since the engine listed it."""
    from docker.errors import ImageNotFound

    names = [reference.rpartition(":") for reference in summary.get("RepoTags") or ()]
    ours = [(repository, tag) for repository, _, tag in names if _OURS.match(repository)]
    try:
        used_at = _used_at(engine.images.get(str(summary["Id"])).attrs) if ours else _NEVER
    except ImageNotFound:
        return []
    return [NamedImage(repository, tag, str(summary["Id"]), used_at) for repository, tag in ours]


def _used_at(attrs: Mapping[str, Any]) -> datetime:
    """When a build last named it; where the engine does not know (year 1), when it was made."""
    named = _moment(str((attrs.get("Metadata") or {}).get("LastTagTime") or ""))
    return named if named.year > 1 else _moment(str(attrs.get("Created") or ""))


def _moment(text: str) -> datetime:
    """Read RFC 3339 with nanoseconds; what is not a time is one long ago."""
    try:
        return datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text)).astimezone(UTC)
    except (ValueError, OverflowError):
        return _NEVER


@dataclass(frozen=True, slots=True)
class _Untag:
    engine: DockerClient
    image: NamedImage

    def __call__(self) -> None:
        """Take the name away, unless it was used since; the engine drops an image with its last name."""
        from docker.errors import APIError, ImageNotFound

        with reaching_engine(f"remove the image {self.image.reference}"):
            try:
                if _used_at(self.engine.images.get(self.image.reference).attrs) <= self.image.used_at:
                    self.engine.images.remove(self.image.reference)
            except ImageNotFound:
                pass
            except APIError as error:
                if error.status_code != 409:  # a container was made of it meanwhile
                    raise


def _build_cache(engine: DockerClient, records: Sequence[Mapping[str, Any]], now: datetime) -> list[Waste]:
    """Shared records belong to images: only the others take space of their own."""
    own = [record for record in records if not record.get("Shared")]
    whole = sum(int(record["Size"]) for record in own)
    idle = [r for r in own if not r.get("InUse") and now - _moment(str(r.get("LastUsedAt") or "")) > UNUSED_FOR]
    goes = min(sum(int(record["Size"]) for record in idle), whole - BUILD_CACHE_BYTES)
    if goes <= 0:
        return []

    def prune() -> None:
        hours = int(UNUSED_FOR.total_seconds() // 3600)
        with reaching_engine("prune the build cache"):
            engine.api.prune_builds(filters={"until": f"{hours}h"}, keep_storage=BUILD_CACHE_BYTES, all=True)

    return [Waste("BuildKit's cache, a part", goes, f"{whole / 1e9:.1f} GB in all", prune)]
