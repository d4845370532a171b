"""Start, readiness, load limits and stop of the two images."""

from __future__ import annotations

import json
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import httpx
import pytest
from docker.models.containers import Container

from tests.images.conftest import migrate, wait_ready
from tests.images.stack import Stack, address, read, request_head, wait_for
from tests.images.test_forms import form, key
from tests.images.test_uploads import MIB, PDF, pdf


def test_migrations_started_twice_at_once_both_succeed(stack: Stack, services: dict[str, Container]) -> None:
    """`alembic upgrade head` is a task of the backend image; of two, one waits; both exit 0, one does the work."""
    made = services["postgres"].exec_run(["createdb", "-U", "indivillage", "empty"])
    assert made.exit_code == 0, made.output
    tasks = [migrate(stack, PGDATABASE="empty") for _ in range(2)]
    assert [0, 0] == [task.wait(timeout=60)["StatusCode"] for task in tasks], tasks[0].logs().decode()
    messages = [json.loads(line)["message"] for task in tasks for line in task.logs().decode().splitlines()]
    assert 1 == len([message for message in messages if message.startswith("Running upgrade  -> 0001")]), messages


def test_version_is_what_the_deployment_said(api: httpx.Client, site: httpx.Client) -> None:
    """/api/version and /version.json name commit, release, color and image digest; the metrics stay inside."""
    keys = {"service", "environment", "release", "commit", "color", "image_digest"}
    assert keys == site.get("/api/version").json().keys() == site.get("/version.json").json().keys()
    assert ("backend", "sha256:" + "b" * 64) == (
        site.get("/api/version").json()["service"],
        site.get("/api/version").json()["image_digest"],
    )
    assert ("frontend", "dev-20260101T000000Z-abcdef0") == (
        site.get("/version.json").json()["service"],
        site.get("/version.json").json()["release"],
    )
    assert "indivillage_requests_total" in api.get("/metrics").text
    assert [404, 404] == [site.get(path).status_code for path in ("/metrics", "/readyz")]


def test_without_redis_it_is_not_ready_but_takes_forms(api: httpx.Client, services: dict[str, Container]) -> None:
    """/readyz says which check failed; the rate limit lets requests pass and counts that; it recovers by itself."""
    services["redis"].stop(timeout=5)
    try:
        answer = api.get("/readyz")
        assert (503, False) == (answer.status_code, answer.json()["checks"]["cache"]["ok"])
        assert answer.json()["checks"]["database"]["ok"]
        assert 200 == api.get("/healthz").status_code
        assert 201 == api.post("/api/forms", json=form(), headers=key()).status_code
        skipped = [
            line
            for line in api.get("/metrics").text.splitlines()
            if line.startswith("indivillage_rate_limit_skipped_total")
        ]
        assert float(skipped[0].split()[1]) >= 1
    finally:
        services["redis"].start()
    wait_for("ready again", lambda: api.get("/readyz").status_code == 200)


@pytest.mark.usefixtures("migrated")
def test_the_rate_limit_is_exact_under_load(stack: Stack) -> None:
    """Of 30 requests at once 10 pass; others hear when to come back; another visitor is not affected."""
    container = stack.backend(alias="limited", RATE_LIMIT_PER_MINUTE="10")
    wait_ready(container, "/readyz")

    def ask(_: int, visitor: str = "203.0.113.7") -> httpx.Response:
        forged = {"X-Forwarded-For": f"198.51.100.{_}, {visitor}"}
        return httpx.post(f"{address(container)}/api/forms", json=form(), headers=key() | forged, timeout=30)

    with ThreadPoolExecutor(15) as pool:
        answers = list(pool.map(ask, range(30)))
    assert {201: 10, 429: 20} == Counter(answer.status_code for answer in answers)
    waits = {int(answer.headers["Retry-After"]) for answer in answers if answer.status_code == 429}
    assert waits <= set(range(1, 62))
    assert 201 == ask(1, "203.0.113.8").status_code


@pytest.mark.usefixtures("backend")
@pytest.mark.parametrize("which", ["backend", "frontend"])
def test_stopping_finishes_the_request_in_flight(stack: Stack, which: str) -> None:
    """On the image's stop signal new connections are refused, the upload under way gets its 201, the exit code is 0."""
    container = stack.backend(alias="stopping") if which == "backend" else stack.frontend()
    wait_ready(container, "/healthz")
    url = urlsplit(address(container))
    where = (url.hostname or "", url.port or 0)
    body = pdf(9 * MIB)
    with socket.create_connection(where, timeout=40) as connection:
        head = request_head("/api/uploads?filename=cv.pdf", PDF | {"Content-Length": str(len(body))})
        connection.sendall(head + body[: MIB // 2])
        stopping = threading.Thread(target=container.stop, kwargs={"timeout": 30})
        stopping.start()
        wait_for("new connections refused", lambda: refused(where))
        connection.sendall(body[MIB // 2 :])
        answer = connection.recv(65536).decode()
    stopping.join(timeout=40)
    assert answer.startswith("HTTP/1.1 201"), answer
    assert 0 == container.wait(timeout=30)["StatusCode"], container.logs(tail=20).decode()


def test_a_stopped_backend_exits_0_below_an_init_process_too(backend: Container) -> None:
    """As process 1 the kernel shields it from its own signal; started by another process nothing does."""
    script = """
        export PORT=9000
        python3 -m app >/dev/null & pid=$!
        for attempt in $(seq 200); do python3 -S /app/app/alive.py 2>/dev/null && break; done
        kill -TERM $pid
        wait $pid
    """
    assert 0 == backend.exec_run(["sh", "-c", script]).exit_code


def refused(where: tuple[str, int]) -> bool:
    """True when nothing behind the published port takes a request any more.

    Docker's proxy accepts on the host's side for as long as the container lives, so only an answer counts.
    """
    try:
        with socket.create_connection(where, timeout=2) as connection:
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            return connection.recv(64) == b""
    except OSError:
        return True


def test_an_idle_connection_outlives_the_load_balancers(stack: Stack, frontend: Container, backend: Container) -> None:
    """Both are told to keep idle connections for 75 s, longer than the load balancer's 60 s."""
    assert "keepalive_timeout 75s" in read(frontend, "cat", "/tmp/nginx/times.conf")
    short = stack.backend(alias="short", KEEP_ALIVE_S="1")
    wait_ready(short, "/healthz")
    assert (True, False) == tuple(still_open(address(container), 2.5) for container in (backend, short))


def still_open(base: str, idle_s: float) -> bool:
    """True when a connection to BASE can be used again after IDLE_S seconds without traffic."""
    url = urlsplit(base)
    with socket.create_connection((url.hostname or "", url.port or 0), timeout=10) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = b""
        while b"alive" not in answer:
            answer += connection.recv(4096)
        connection.settimeout(idle_s)
        try:
            return connection.recv(1) != b""
        except TimeoutError:
            return True


@pytest.mark.usefixtures("migrated")
def test_the_frontend_follows_the_backends_name(stack: Stack) -> None:
    """When the name of the backend moves to another address, requests arrive again without a restart."""
    assert stack.network is not None
    moving = stack.backend(alias="moving")
    container = stack.frontend(BACKEND_URL="http://moving:8080")
    wait_ready(moving, "/healthz")
    wait_ready(container, "/api/version")
    before = inside_address(moving, stack)
    stack.network.disconnect(moving)
    stack.run(stack.images.redis, "takes-the-old-address", {})
    stack.network.connect(moving, aliases=["moving"])
    assert inside_address(moving, stack) != before
    wait_ready(container, "/api/version")


def inside_address(container: Container, stack: Stack) -> str:
    """The container's address within the test's network."""
    container.reload()
    return str(container.attrs["NetworkSettings"]["Networks"][stack.name]["IPAddress"])


@pytest.fixture
def alone(stack: Stack) -> Iterator[Container]:
    """A frontend whose backend does not exist."""
    container = stack.frontend(BACKEND_URL="http://nobody.invalid:8081")
    wait_ready(container, "/healthz")
    yield container
    container.stop(timeout=5)


def test_without_a_backend_the_pages_stay_and_the_api_says_so(alone: Container) -> None:
    """The frontend starts and serves; /api answers 503 as JSON with the request's id and all security headers."""
    base = address(alone)
    assert 200 == httpx.get(base + "/").status_code
    answer = httpx.get(base + "/api/version", headers={"X-Request-Id": "abcdefgh-1"}, timeout=30)
    assert (503, "abcdefgh-1") == (answer.status_code, answer.json()["request_id"])
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("which", "variables", "complaint"),
    [
        ("backend", {"FORMS_BUCKET": "", "PORT": "many"}, "FORMS_BUCKET is not set; PORT is not a whole number"),
        ("frontend", {"BACKEND_URL": "nonsense;"}, "BACKEND_URL is not set to something like"),
        ("frontend", {"BASIC_AUTH": "nocolon"}, "BASIC_AUTH is not of the form user:password"),
    ],
)
def test_a_wrong_environment_is_one_clear_line(
    stack: Stack, which: str, variables: dict[str, str], complaint: str
) -> None:
    """The container exits 2 and names the variables, without a traceback and without their values."""
    container = stack.backend(**variables) if which == "backend" else stack.frontend(**variables)
    assert 2 == container.wait(timeout=30)["StatusCode"]
    (line,) = container.logs().decode().splitlines()
    assert complaint in line
    assert "nonsense" not in line
