"""The next revision of a task definition, as plain.sh registers it."""

from __future__ import annotations

from tests.bench.revise import revised

PGHOST = {"name": "PGHOST", "value": "db"}


def test_the_next_revision_differs_in_image_and_release_only() -> None:
    """What ECS alone writes is left out of the request."""
    described = {
        "family": "backend",
        "revision": 7,
        "status": "ACTIVE",
        "taskDefinitionArn": "arn",
        "registeredAt": "today",
        "containerDefinitions": [
            {"name": "backend", "image": "r@sha256:1", "environment": [{"name": "RELEASE", "value": "dev-1"}, PGHOST]}
        ],
    }
    container = {
        "name": "backend",
        "image": "r@sha256:2",
        "environment": [
            {"name": "COMMIT", "value": "abc"},
            {"name": "IMAGE_DIGEST", "value": "sha256:2"},
            PGHOST,
            {"name": "RELEASE", "value": "dev-2"},
        ],
    }

    assert {"family": "backend", "containerDefinitions": [container]} == revised(
        described, "r@sha256:2", "dev-2", "abc"
    )
