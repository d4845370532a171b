"""The website through the load balancer, as a visitor meets it. Runs on every cloud."""

from __future__ import annotations

import base64
import re

import pytest

from deployer.model import Secret
from tests.containers.deployment import Deployment
from tests.containers.site import Site, from_third_parties, loading_tags

PAGES = ("/", "/services/", "/impact/", "/contact/", "/careers/", "/privacy/")


def page(site: Site, path: str) -> str:
    """Return the HTML of a page; fails on anything but 200 and HTML."""
    answer = site.get(path)
    assert 200 == answer.status_code
    assert answer.headers["Content-Type"].startswith("text/html")
    return answer.text


@pytest.mark.parametrize("path", PAGES)
def test_page_is_served(site: Site, path: str) -> None:
    """Each page is there, in a stated language, with a title and one main heading."""
    html = page(site, path)
    assert re.search(r"<html[^>]+lang=", html)
    assert re.search(r"<title>[^<]+</title>", html)
    assert 1 == len(re.findall(r"<h1[\s>]", html))


@pytest.mark.parametrize("path", PAGES)
def test_page_loads_nothing_from_third_parties(site: Site, path: str) -> None:
    """Scripts, styles and images come from us: no CDN learns who visits."""
    html = page(site, path)
    assert loading_tags(html)
    assert [] == from_third_parties(html)


def test_assets_of_the_home_page_are_immutable(site: Site) -> None:
    """Hashed files are there and may be kept for ever; the page itself is asked for again."""
    assets = set(re.findall(r"\"(/assets/[^\"]+)\"", page(site, "/")))
    assert assets
    for asset in assets:
        answer = site.get(asset)
        assert 200 == answer.status_code, asset
        assert "immutable" in answer.headers["Cache-Control"]
    assert "no-cache" == site.get("/").headers["Cache-Control"]


@pytest.mark.parametrize("path", ["/", "/contact/", "/no-such-page", "/api/version"])
def test_security_headers(site: Site, path: str) -> None:
    """Every answer carries them, errors and the API's too."""
    headers = site.get(path).headers
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert "unsafe-inline" not in headers["Content-Security-Policy"]
    assert "nosniff" == headers["X-Content-Type-Options"]
    assert int(re.findall(r"max-age=(\d+)", headers["Strict-Transport-Security"])[0]) >= 31_536_000


def test_server_does_not_tell_its_version(site: Site) -> None:
    """What is exactly running is nobody's business."""
    assert not re.search(r"\d", site.get("/").headers.get("Server", ""))


def test_missing_page(site: Site) -> None:
    """A wrong address is a 404 with a page of ours."""
    answer = site.get("/no-such-page")
    assert 404 == answer.status_code
    assert "<h1" in answer.text


@pytest.mark.parametrize("path", ["/metrics", "/readyz", "/.git/config", "/.env"])
def test_inner_paths_are_not_public(site: Site, path: str) -> None:
    """What is for the platform, or for nobody, is not served to visitors."""
    assert 404 == site.get(path).status_code


def test_team_page_asks_for_a_password(site: Site, deployment: Deployment) -> None:
    """Without the password 401; where the environment has none the page does not exist."""
    protected = "BASIC_AUTH" in deployment.service("frontend").secrets
    assert (401 if protected else 404) == site.get("/team/").status_code


def test_team_page_opens_with_the_password(site: Site, deployment: Deployment) -> None:
    """The password is the one in Secrets Manager; a wrong one does not open."""
    secrets = deployment.service("frontend").secrets
    if "BASIC_AUTH" not in secrets:
        pytest.skip("this environment has no protected pages")
    right = deployment.secret(secrets["BASIC_AUTH"])
    assert 200 == site.get("/team/", _basic(right)).status_code
    assert 401 == site.get("/team/", _basic(Secret(f"{right.reveal()}x"))).status_code


def _basic(credentials: Secret) -> dict[str, Secret]:
    encoded = base64.b64encode(credentials.reveal().encode()).decode()
    return {"Authorization": Secret(f"Basic {encoded}")}
