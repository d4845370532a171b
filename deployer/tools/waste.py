"""What `inv clean` removes: the one rule, and what a thing that falls under it looks like.

**The rule: what nobody used for seven days goes, but the newest three images of each name stay, and so does whatever a
container uses.** Nothing that is not ours is touched.

- An *image* is ours by its name: `indivillage/…`, or that behind the address of an ECR registry, where pushes leave a
  second name. It counts as used when a build made it or found it: any checkout's build, since they share the engine.
- *BuildKit's cache* belongs to nobody: parts that no build used for seven days go while all of it is above 10 GB.
- *Files* are those under this checkout's own .cache; a record of a passed check counts from its pass. What a run left
  behind that was killed goes at once.

Images in a registry are not ours to judge: Terraform's lifecycle policy keeps `stable`, the newest of each environment,
and the rest for 180 days; a local cloud's go with the cloud (`inv cloud.down`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

UNUSED_FOR = timedelta(days=7)
NEWEST = 3
"""Images of each name that stay however old they are, so that coming back after a holiday builds nothing anew."""
BUILD_CACHE_BYTES = 10_000_000_000


@dataclass(frozen=True, slots=True)
class Waste:
    """One thing that goes: `remove` does it. `size_bytes` is what it holds by itself, 0 where others share it."""

    what: str
    size_bytes: int
    why: str
    remove: Callable[[], None]
