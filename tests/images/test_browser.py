"""The pages in a real browser: they load without a console error, look right to the eye, and the forms arrive."""

from __future__ import annotations

import base64
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from docker.models.containers import Container
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

from tests.images.stack import BASIC_AUTH, UPLOADS_BUCKET, address, select

PAGES = {
    "home": "/",
    "services": "/services/",
    "impact": "/impact/",
    "careers": "/careers/",
    "contact": "/contact/",
    "privacy": "/privacy/",
    "missing": "/no-such-page",
}
SIZES = {"desktop": (1360, 900), "mobile": (390, 844)}
# Chromium must not call home from a test, and as root in a container it has no sandbox.
QUIET = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking",
    "--disable-component-update", "--disable-default-apps", "--disable-sync", "--no-first-run", "--no-proxy-server",
    "--hide-scrollbars", "--force-prefers-reduced-motion", "--force-device-scale-factor=1",
)  # fmt: skip


@pytest.fixture(scope="session")
def browser() -> Iterator[webdriver.Chrome]:
    """Headless Chromium, driven by the chromedriver of the same package."""
    driver_path, chromium = shutil.which("chromedriver"), shutil.which("chromium")
    if not driver_path or not chromium:
        pytest.fail("chromium and chromedriver are needed: scripts/install-chromium installs them")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for argument in QUIET:
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver_path))
    driver.set_page_load_timeout(30)
    yield driver
    driver.quit()


def resize(browser: webdriver.Chrome, width: int, height: int) -> None:
    """Give the page exactly WIDTH x HEIGHT, narrower than a window may be."""
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)


def load(browser: webdriver.Chrome, url: str) -> None:
    """Load a page, again when another container's coming or going made Chromium give up on it."""
    browser.get(url)
    if "ERR_NETWORK_CHANGED" in browser.page_source:
        browser.get(url)


def screenshot(browser: webdriver.Chrome, path: Path) -> None:
    """Save the whole page, not only what a window shows."""
    taken = browser.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True})
    path.write_bytes(base64.b64decode(taken["data"]))


def console(browser: webdriver.Chrome) -> list[str]:
    """Messages of level WARNING and above since the last call."""
    log = browser.execute("getLog", {"type": "browser"})["value"]
    return [entry["message"] for entry in log if entry["level"] in ("WARNING", "SEVERE")]


def status_after(browser: webdriver.Chrome, kind: str) -> str:
    """Wait for the live region to turn KIND; return its text."""
    found: Any = WebDriverWait(browser, 20).until(lambda page: page.find_element(By.CSS_SELECTOR, f"#status.{kind}"))
    return str(found.text)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", PAGES)
def test_page_loads_cleanly(
    browser: webdriver.Chrome, frontend: Container, artifacts: Path, name: str, size: str
) -> None:
    """Title and heading are there, every image has arrived, nothing is wider than the screen, the console is empty."""
    resize(browser, *SIZES[size])
    load(browser, address(frontend) + PAGES[name])
    screenshot(browser, artifacts / f"{name}-{size}.png")
    assert "IndiVillage" in browser.title
    assert 1 == len(browser.find_elements(By.TAG_NAME, "h1"))
    broken = "return [...document.images].filter(i => !(i.complete && i.naturalWidth)).map(i => i.src)"
    assert [] == browser.execute_script(broken)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= SIZES[size][0]
    expected = ["404 (Not Found)"] if name == "missing" else []
    assert expected == [message[-15:] for message in console(browser)]


def test_style_sheet_applies(browser: webdriver.Chrome, frontend: Container) -> None:
    """The policy lets our own style sheet through: the button has its colour."""
    load(browser, address(frontend))
    button = browser.find_element(By.CSS_SELECTOR, ".button")
    assert "rgba(168, 63, 36, 1)" == button.value_of_css_property("background-color")


def test_contact_form_round_trips(
    browser: webdriver.Chrome, frontend: Container, services: dict[str, Container], artifacts: Path
) -> None:
    """Mistakes are shown at their fields; then the message arrives in Postgres under the number the visitor is told."""
    resize(browser, *SIZES["desktop"])
    load(browser, address(frontend) + "/contact/")
    browser.find_element(By.CSS_SELECTOR, "button").click()
    assert "4 fields need another look." == status_after(browser, "bad")
    screenshot(browser, artifacts / "contact-errors.png")
    assert "name" == browser.switch_to.active_element.get_attribute("id")
    for field, text in {
        "name": "Meena Kumari",
        "email": "meena@example.org",
        "message": "Hello from a real browser.",
    }.items():
        browser.find_element(By.ID, field).send_keys(text)
    Select(browser.find_element(By.ID, "topic")).select_by_value("partnership")
    assert [] == [error.text for error in browser.find_elements(By.CSS_SELECTOR, ".error") if error.text]
    browser.find_element(By.CSS_SELECTOR, "button").click()
    form_id = status_after(browser, "good").rstrip(".").split()[-1]
    screenshot(browser, artifacts / "contact-sent.png")
    query = "SELECT name || '|' || topic FROM forms WHERE id::text = current_setting('test.value')"
    assert ["Meena Kumari|partnership"] == select(services["postgres"], query, form_id)
    assert [] == console(browser)


def test_careers_form_uploads(
    browser: webdriver.Chrome, frontend: Container, s3: Any, tmp_path: Path, artifacts: Path
) -> None:
    """A wrong type is refused before sending; a document arrives in S3 byte for byte."""
    resize(browser, *SIZES["desktop"])
    load(browser, address(frontend) + "/careers/")
    picture, document = tmp_path / "me.png", tmp_path / "my cv.pdf"
    picture.write_bytes(b"\x89PNG")
    document.write_bytes(b"%PDF-1.7 a very short life")
    browser.find_element(By.ID, "document").send_keys(str(picture))
    assert "PDF, DOC, DOCX or ODT" in browser.find_element(By.ID, "document-error").text
    browser.find_element(By.ID, "document").send_keys(str(document))
    browser.find_element(By.CSS_SELECTOR, "button").click()
    upload_id = status_after(browser, "good").rstrip(".").split()[-1]
    screenshot(browser, artifacts / "careers-sent.png")
    stored = s3.get_object(Bucket=UPLOADS_BUCKET, Key=f"careers/{upload_id}/document.pdf")
    assert document.read_bytes() == stored["Body"].read()
    assert [] == console(browser)


def test_team_page_shows_what_runs(browser: webdriver.Chrome, frontend: Container, artifacts: Path) -> None:
    """Behind the password both halves say their release."""
    user, _, password = BASIC_AUTH.partition(":")
    resize(browser, *SIZES["desktop"])
    base = address(frontend).removeprefix("http://")
    load(browser, f"http://{quote(user)}:{quote(password, safe='')}@{base}/team/")
    WebDriverWait(browser, 20).until(lambda page: len(page.find_elements(By.TAG_NAME, "dd")) == 12)
    screenshot(browser, artifacts / "team.png")
    shown = [element.text for element in browser.find_elements(By.TAG_NAME, "dd")]
    assert 2 == shown.count("dev-20260101T000000Z-abcdef0")
    assert [] == console(browser)


def test_keyboard_reaches_the_content_first(browser: webdriver.Chrome, frontend: Container) -> None:
    """The first stop of the Tab key is the link that skips the navigation, visible while it has the focus."""
    load(browser, address(frontend) + "/services/")
    browser.find_element(By.TAG_NAME, "body").send_keys(Keys.TAB)
    focused = browser.switch_to.active_element
    assert ("Skip to the content", True) == (focused.text, focused.rect["y"] >= 0)
    focused.send_keys(Keys.ENTER)
    assert browser.current_url.endswith("#main")
