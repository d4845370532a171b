"""What `ecs deploy CLUSTER SERVICE --image backend IMAGE` does, by the deployer's own code: ours in that comparison.

Run in a checkout by its own Python: `python -m tests.bench.redeploy_one backend`. A new task definition revision of the
image that serves, update the service, wait until ECS and the load balancer call it steady; prints what it did as JSON.

Like ecs-deploy it takes no lock and keeps no journal, which a release does: the other measures include those.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from deployer import config
from deployer.composition import compose, stop_for_run
from deployer.journalled import JournalledCompute
from deployer.model import Image, Release, release_id
from deployer.source import log_folder

ROOT = Path(__file__).resolve().parents[2]


def main(service: str) -> int:
    """Redeploy `service` of development in its live color."""
    started = time.monotonic()
    environment = config.load(ROOT, "dev", None)
    site = compose(ROOT, ROOT, environment, log_folder(ROOT, "redeploy-one"), stop_for_run())
    world, now, composed = site.world, datetime.now(UTC), time.monotonic()
    assert isinstance(world.compute, JournalledCompute)
    compute = world.compute.inner
    draft = Release("", environment.name, "", "benchmark", now)
    live = compute.live(service, draft.color)
    release = replace(draft, id=release_id("dev", now, live.commit), commit=live.commit)
    image = Image(service, site.topology().services[service].repository, live.digest)
    arn = compute.register(release, service, world.registry.reference(image))
    begun = time.monotonic()
    compute.roll_out(service, draft.color, arn, live.desired, environment.steady_timeout_s, _say)
    took = {
        "composed_s": composed - started,
        "registered_s": begun - composed,
        "rolled_out_s": time.monotonic() - begun,
    }
    answer = {"task_definition": arn, "aws_calls": site.calls(), **{name: round(s, 2) for name, s in took.items()}}
    sys.stdout.write(json.dumps(answer))
    return 0


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
