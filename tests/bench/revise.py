"""A task definition as ECS describes it (stdin) becomes the request that registers its next revision (stdout).

plain.sh uses it: `revise.py IMAGE RELEASE COMMIT`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

READ_ONLY = ("taskDefinitionArn", "revision", "status", "requiresAttributes", "compatibilities")
READ_ONLY_TIMES = ("registeredAt", "registeredBy", "deregisteredAt")


def revised(described: Mapping[str, Any], image: str, release: str, commit: str) -> dict[str, Any]:
    """Drop what only ECS writes, and give the one container its new image and the names of its release."""
    request = {key: value for key, value in described.items() if key not in READ_ONLY + READ_ONLY_TIMES}
    (container,) = request["containerDefinitions"]
    names = {"RELEASE": release, "COMMIT": commit, "IMAGE_DIGEST": image.partition("@")[2]}
    variables = {entry["name"]: entry["value"] for entry in container["environment"]} | names
    environment = [{"name": name, "value": value} for name, value in sorted(variables.items())]
    return {**request, "containerDefinitions": [{**container, "image": image, "environment": environment}]}


if __name__ == "__main__":
    json.dump(revised(json.load(sys.stdin), *sys.argv[1:4]), sys.stdout)
