"""Where the load balancers of a local cloud listen, apart from the ports that the engine publishes."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.load.exchange import Place


def balancer(cloud: str) -> Place:
    """The address of the container `cloud` itself, which names a local cloud.

    Docker's proxy for published ports gave up under the load of a release (20.10), and takes a share of the processors.
    """
    format_ = "{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}"
    command = ["docker", "inspect", "--format", format_, cloud]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    return done.stdout.split()[0], 80
