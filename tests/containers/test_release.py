"""What ECS says of the release, and what the release says of itself. Runs on every cloud."""

from __future__ import annotations

from tests.containers.deployment import SECRET_NAME, USER_IN_URL, Deployment
from tests.containers.site import Site


def test_as_many_tasks_as_wanted(deployment: Deployment, service: str) -> None:
    """Every wanted task runs this release."""
    running = deployment.service(service)
    assert running.desired > 0
    assert running.desired == len(running.task_arns)


def test_task_definition_confines_the_container(deployment: Deployment, service: str) -> None:
    """An unprivileged user, a read-only root, no capabilities, an image by digest: asked for, so that AWS gives it."""
    definition = deployment.service(service).definition
    assert "10001:10001" == definition.get("user")
    assert definition.get("readonlyRootFilesystem")
    assert ["ALL"] == definition["linuxParameters"]["capabilities"]["drop"]
    assert deployment.service(service).digest.startswith("sha256:")
    assert not definition.get("privileged")


def test_task_definition_holds_no_secret(deployment: Deployment, service: str) -> None:
    """A task definition can be read by many: secrets are named there, never written."""
    environment = deployment.service(service).environment
    assert [] == [name for name in environment if SECRET_NAME.search(name)]
    assert [] == [name for name, value in environment.items() if USER_IN_URL.search(value)]
    assert [] == deployment.secrets_in("\n".join(environment.values()))


def test_backend_says_what_it_is(deployment: Deployment, site: Site) -> None:
    """GET /api/version through the load balancer is the release ECS runs: id, commit, color and image."""
    _says_what_it_is(deployment, site, "backend", "/api/version")


def test_frontend_says_what_it_is(deployment: Deployment, site: Site) -> None:
    """GET /version.json, likewise for the frontend itself."""
    _says_what_it_is(deployment, site, "frontend", "/version.json")


def test_release_is_one_unit(deployment: Deployment) -> None:
    """Frontend and backend are of the same commit and in the same color."""
    backend, frontend = (deployment.service(name).environment for name in ("backend", "frontend"))
    assert backend["COMMIT"] == frontend["COMMIT"]
    assert backend["COLOR"] == frontend["COLOR"]
    assert backend["COMMIT"].startswith(deployment.release.rpartition("-")[2])


def _says_what_it_is(deployment: Deployment, site: Site, service: str, path: str) -> None:
    running = deployment.service(service)
    answer = site.get(path)
    assert 200 == answer.status_code, answer.text[:300]
    expected = {
        "release": deployment.release,
        "commit": running.environment["COMMIT"],
        "color": running.environment["COLOR"],
        "image_digest": running.digest,
    }
    assert expected == {name: answer.json().get(name) for name in expected}
