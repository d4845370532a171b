"""migrate: Alembic, as a one-off ECS task of the new backend image, before it gets traffic."""

from __future__ import annotations

import re

from deployer.errors import ReleaseFailed
from deployer.model import Outcome, Release
from deployer.pipeline import Stage
from deployer.ports import World

# One process: the head is printed by the same task that moved to it, and starting Python twice costs half a second.
# main() leaves with an exit code of its own when a migration fails.
COMMAND = ("python3", "-c", "from alembic.config import main; main(['upgrade', 'head']); main(['current'])")
TIMEOUT_S = 600.0
HINT = (
    "no service was touched. The migration that failed left nothing (each is a transaction); those before it stay in "
    "the schema, and what serves can live with them. Mend it and deploy again"
)
_HEAD = re.compile(r"\b(\w+) \(head\)")


def run(release: Release, world: World) -> Outcome:
    """Bring the schema to the release's head. Raises ReleaseFailed; nothing has been deployed then."""
    reference = world.registry.reference(release.images["backend"])
    task_definition = world.compute.register(release, "backend", reference)
    heads: list[str] = []

    def say(line: str) -> None:
        heads.extend(_HEAD.findall(line))
        world.say(line)

    world.lease.check()
    try:
        world.compute.run_task("backend", task_definition, COMMAND, TIMEOUT_S, say)
    except ReleaseFailed as error:
        raise ReleaseFailed("migrate the database", error.seen, HINT, details=error.details, log=error.log) from error
    head = heads[-1] if heads else ""
    learned = {"migration_head": head, "task_definitions": {**release.task_definitions, "backend": task_definition}}
    return Outcome(f"schema at {head}" if head else "schema is current", learned)


STAGE = Stage("migrate", ("verify", "place"), run, stays=True)
