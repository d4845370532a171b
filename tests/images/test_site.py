"""What the frontend answers: pages, headers, caching, compression, the protected page."""

from __future__ import annotations

import json
import re

import httpx
import pytest
from docker.models.containers import Container

from tests.images.conftest import wait_ready
from tests.images.stack import BASIC_AUTH, Stack, address, wait_for

USER, _, PASSWORD = BASIC_AUTH.partition(":")
PAGES = ("/", "/services/", "/impact/", "/careers/", "/contact/", "/privacy/")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 200),
        ("GET", "/contact", 301),
        ("GET", "/nowhere", 404),
        ("GET", "/assets/nothing.css", 404),
        ("GET", "/team/", 401),
        ("GET", "/version.json", 200),
        ("GET", "/healthz", 200),
        ("GET", "/api/version", 200),
        ("GET", "/api/nothing", 404),
        ("POST", "/api/forms", 400),
        ("POST", "/contact/", 405),
    ],
)
def test_security_headers_are_on_every_answer(site: httpx.Client, method: str, path: str, status: int) -> None:
    """Success, redirect and error alike, once each; nothing tells the server's version."""
    answer = site.request(method, path)
    assert status == answer.status_code
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert int(answer.headers["Strict-Transport-Security"].partition("max-age=")[2].partition(";")[0]) >= 31536000
    expected = {
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "strict-origin-when-cross-origin",
        "X-Robots-Tag": "noindex, nofollow",
        "Server": "nginx",
    }
    assert expected == {name: answer.headers[name] for name in expected}
    assert "geolocation=()" in answer.headers["Permissions-Policy"]
    names = [name.lower() for name, _ in answer.headers.multi_items()]
    assert len(names) == len(set(names)), names


def test_errors_are_pages_for_people_and_json_for_programs(site: httpx.Client) -> None:
    """404 is a page of the site; under /api it is problem+json."""
    page = site.get("/nowhere")
    assert ("text/html; charset=utf-8", True) == (page.headers["Content-Type"], "no page at this address" in page.text)
    api = site.get("/api/nothing")
    assert ("application/problem+json", 404) == (api.headers["Content-Type"], api.json()["status"])


def test_assets_are_immutable_and_pages_are_asked_for_again(site: httpx.Client) -> None:
    """A hashed name may be kept for a year; HTML and the version may not, and an asset that is missing neither."""
    page = site.get("/")
    (style,) = set(re.findall(r"/assets/site\.[0-9a-f]{12}\.css", page.text))
    assert "public, max-age=31536000, immutable" == site.get(style).headers["Cache-Control"]
    assert "no-cache" == page.headers["Cache-Control"]
    assert "no-cache" == site.get("/assets/site.000000000000.css").headers["Cache-Control"]
    assert ["no-store", "no-store"] == [
        site.get(path).headers["Cache-Control"] for path in ("/version.json", "/api/version")
    ]
    again = site.get("/", headers={"If-None-Match": page.headers["ETag"]})
    assert 304 == again.status_code


def test_text_is_compressed_once(site: httpx.Client) -> None:
    """Pages, styles and drawings come as gzip to who takes it, plain to who does not."""
    page = site.get("/", headers={"Accept-Encoding": "gzip"})
    assert ("gzip", "Accept-Encoding") == (page.headers["Content-Encoding"], page.headers["Vary"])
    plain = site.get("/", headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in plain.headers
    assert page.text == plain.text


def test_request_ids_pass_through(site: httpx.Client, backend: Container) -> None:
    """An id that came with the request reaches the backend's log and the answer; a bad one is replaced."""
    given = "trace-me-through-0001"
    assert given == site.get("/api/version", headers={"X-Request-Id": given}).headers["X-Request-Id"]
    wait_for("the id in the backend's log", lambda: given in backend.logs().decode())
    made = site.get("/", headers={"X-Request-Id": 'bad "id"'}).headers["X-Request-Id"]
    assert re.fullmatch(r"[0-9a-f]{32}", made)


def test_team_page_needs_the_password(site: httpx.Client) -> None:
    """401 with a challenge without it, 200 with it, colons and dollar signs in it included; never kept by caches."""
    challenge = site.get("/team/")
    assert (401, 'Basic realm="IndiVillage team"') == (challenge.status_code, challenge.headers["WWW-Authenticate"])
    assert 401 == site.get("/team/", auth=(USER, "wrong")).status_code
    allowed = site.get("/team/", auth=(USER, PASSWORD))
    assert (200, "no-store") == (allowed.status_code, allowed.headers["Cache-Control"])


def test_without_a_password_there_is_no_team_page(stack: Stack) -> None:
    """No BASIC_AUTH: 404 instead of an open page. In production search engines may come."""
    container = stack.frontend(BASIC_AUTH="", ENVIRONMENT="prod")
    wait_ready(container, "/healthz")
    for path in ("/team/", "/team/index.html", "/team", "//team/index.html", "/x/../team/index.html"):
        assert 404 == httpx.get(address(container) + path, follow_redirects=True).status_code, path
    assert "X-Robots-Tag" not in httpx.get(address(container) + "/").headers
    container.stop(timeout=5)


def test_access_log_is_json_without_queries(site: httpx.Client, frontend: Container) -> None:
    """One JSON line a request; the query string stays out, health checks too."""
    site.get(
        "/services/?email=someone@example.org",
        headers={"X-Request-Id": "log-line-0001", "User-Agent": 'a "quoted" agent'},
    )
    site.get("/healthz", headers={"X-Request-Id": "log-line-0002"})
    wait_for("the request in the log", lambda: b"log-line-0001" in frontend.logs(stderr=False))
    log = frontend.logs(stderr=False).decode()
    lines = [json.loads(line) for line in log.splitlines()]
    assert ["/services/"] == [line["path"] for line in lines if line["request_id"] == "log-line-0001"]
    assert [] == [line for line in lines if line["request_id"] == "log-line-0002"]
    assert "someone" not in log
