"""What the two images are made of and how they run: user, file system, labels, secrets, health."""

from __future__ import annotations

import json

import pytest
from docker.models.containers import Container

import docker
from tests.images.stack import API_TOKEN, BASIC_AUTH, Images, backend_environment, read, wait_for

SECRETS = (API_TOKEN, BASIC_AUTH, BASIC_AUTH.partition(":")[2], backend_environment()["PGPASSWORD"])


@pytest.fixture(params=["backend", "frontend"])
def container(request: pytest.FixtureRequest) -> Container:
    """Each of the two running containers."""
    running: Container = request.getfixturevalue(request.param)
    return running


def test_image_says_who_it_is_and_who_it_runs_as(engine: docker.DockerClient, images: Images) -> None:
    """A numeric user that is not root, a HEALTHCHECK, the stop signal that lets requests finish, OCI labels."""
    for reference, signal in ((images.backend, "SIGTERM"), (images.frontend, "SIGQUIT")):
        config = engine.images.get(reference).attrs["Config"]
        assert ("10001:10001", signal) == (config["User"], config["StopSignal"])
        assert config["Healthcheck"]["Test"][0] == "CMD"
        labels = {name.removeprefix("org.opencontainers.image.") for name in config["Labels"]}
        assert {"title", "description", "source", "revision", "version", "created"} <= labels


def test_no_secret_in_image_history_or_process_list(
    engine: docker.DockerClient, images: Images, container: Container
) -> None:
    """The secrets of this run are in no layer's command, no image setting and no argument of a process."""
    for reference in (images.backend, images.frontend):
        image = engine.images.get(reference)
        text = json.dumps([image.history(), image.attrs])
        assert [] == [secret for secret in SECRETS if secret in text]
    processes = read(container, "ps", "axww", "-o", "args=")
    assert [] == [secret for secret in SECRETS if secret in processes]


def test_every_process_is_unprivileged(container: Container) -> None:
    """All processes run as 10001 with an empty set of effective and bounding capabilities."""
    users = read(container, "ps", "-e", "-o", "uid=").split()
    assert {"10001"} == set(users)
    status = read(container, "cat", "/proc/1/status")
    assert ["0" * 16, "0" * 16] == [
        line.split()[1] for line in status.splitlines() if line.startswith(("CapEff", "CapBnd"))
    ]


def test_root_is_read_only_and_nothing_needs_it(container: Container) -> None:
    """Writing outside /tmp fails, and the container has run without trying: its diff is empty but for mount points."""
    assert container.exec_run(["touch", "/probe"]).exit_code != 0
    assert container.exec_run(["touch", "/tmp/probe"]).exit_code == 0
    written = [entry["Path"] for entry in container.diff() or [] if entry["Path"] != "/tmp"]
    assert [] == written


def test_no_file_of_the_application_can_be_changed_by_it(container: Container) -> None:
    """The application owns no file of the image and may write to none of its own, even if the root were writable."""
    owned = read(container, "find", "/", "-xdev", "-user", "10001", "-not", "-path", "/tmp/*")
    assert "" == owned
    writable = read(container, "find", "/app", "/site", "/etc/nginx", "-writable")
    assert [] == [line for line in writable.splitlines() if line.startswith("/")]


def test_the_certificates_that_s3_is_trusted_by_are_there(backend: Container) -> None:
    """Where SSL_CERT_FILE says: a store for S3 itself cannot be made without any."""
    store = ["python3", "-c", "from obstore.store import S3Store; S3Store('bucket', region='ap-south-1')"]
    assert 0 == backend.exec_run(store).exit_code
    assert 1 == backend.exec_run(store, environment={"SSL_CERT_FILE": "/dev/null"}).exit_code


def test_health_check_passes(container: Container) -> None:
    """Docker calls the container healthy."""

    def healthy() -> bool:
        container.reload()
        return bool(container.attrs["State"]["Health"]["Status"] == "healthy")

    wait_for(f"{container.name} healthy", healthy, timeout_s=30)


def test_health_check_can_fail(backend: Container, frontend: Container) -> None:
    """Where nothing listens both checks exit 1 (a check that always passes is none)."""
    assert 1 == backend.exec_run(["python3", "-S", "/app/app/alive.py"], environment={"PORT": "9"}).exit_code
    assert 0 == backend.exec_run(["python3", "-S", "/app/app/alive.py"]).exit_code
    assert 0 == frontend.exec_run(["alive"]).exit_code
    assert 0 != frontend.exec_run(["bash", "-c", "sed 's/8080/9/' /usr/local/bin/alive | bash"]).exit_code


def test_the_password_is_kept_as_a_hash_only(frontend: Container) -> None:
    """The password file holds SHA-512 crypt and is nginx's alone; its environment holds the password no longer."""
    stored = read(frontend, "cat", "/tmp/nginx/htpasswd")
    assert stored.startswith("asha:$6$")
    assert "600" == read(frontend, "stat", "-c", "%a", "/tmp/nginx/htpasswd").strip()
    environment = read(frontend, "cat", "/proc/1/environ")
    assert "BASIC_AUTH" not in environment
