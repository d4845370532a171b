"""The real pages, built: complete, accessible, self-contained, and no link leads nowhere."""

from __future__ import annotations

import itertools
import re
import tomllib
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.application.conftest import ROOT

SOURCE = ROOT / "docker" / "frontend" / "site"
PAGES = [entry["path"] for entry in tomllib.loads((SOURCE / "site.toml").read_text())["page"]]
# Paths that nginx or the backend answer, not a file of the site.
ELSEWHERE = {"/api/forms", "/api/uploads", "/api/version", "/version.json"}
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


@dataclass
class Document(HTMLParser):
    """A page's elements in order, and the text of its title."""

    text: str
    elements: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    unbalanced: list[str] = field(default_factory=list)
    title: str = ""

    def __post_init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.feed(self.text)
        self.unbalanced += self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.unbalanced.append(tag)

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "title":
            self.title += data

    def all(self, *tags: str) -> list[dict[str, str]]:
        """Attributes of every element of one of TAGS."""
        return [attributes for tag, attributes in self.elements if tag in tags]


def output(path: str) -> str:
    """The file of the page at PATH."""
    return f"{path.lstrip('/')}index.html" if path.endswith("/") else path.lstrip("/")


@pytest.fixture(params=PAGES)
def page(request: pytest.FixtureRequest, site: Path) -> Document:
    """Each page of the site."""
    return Document((site / output(request.param)).read_text())


def test_page_is_complete(page: Document) -> None:
    """Language, title, description, one main heading, landmarks, elements closed in order, ids used once."""
    assert ["en"] == [attributes.get("lang") for attributes in page.all("html")]
    assert 10 < len(page.title) < 80
    assert 1 == len([m for m in page.all("meta") if m.get("name") == "description" and m["content"]])
    assert [1, 1, 1] == [len(page.all(tag)) for tag in ("h1", "main", "footer")]
    assert [] == page.unbalanced
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_headings_skip_no_level(page: Document) -> None:
    """A screen reader's outline has no holes."""
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch(r"h[1-6]", tag)]
    assert 1 == levels[0]
    assert [] == [(upper, lower) for upper, lower in itertools.pairwise(levels) if lower > upper + 1]


def test_the_first_link_skips_to_the_content(page: Document) -> None:
    """It leads to the main element."""
    assert "#main" == page.all("a")[0]["href"]
    assert "main" == page.all("main")[0]["id"]
    assert [] == [n for n in page.all("nav") if not n.get("aria-label")]


def test_every_control_has_its_label_and_error(page: Document) -> None:
    """Labels by `for`; what describes a field exists; images have an alternative."""
    ids = {attributes.get("id") for _, attributes in page.elements}
    labelled = {attributes.get("for") for attributes in page.all("label")}
    for control in page.all("input", "select", "textarea"):
        assert control["id"] in labelled
        assert f"{control['id']}-error" in control["aria-describedby"].split()
        assert set(control["aria-describedby"].split()) <= ids
    assert [] == [image for image in page.all("img") if "alt" not in image]
    assert [] == [section for section in page.all("section") if section.get("aria-labelledby", "main") not in ids]


def test_nothing_inline_and_nothing_foreign(page: Document) -> None:
    """What the content security policy would block is not there: scripts and styles in the page, other origins."""
    assert [] == page.all("style", "iframe", "object", "embed")
    assert [] == [script for script in page.all("script") if "src" not in script]
    for tag, attributes in page.elements:
        assert [] == [name for name in attributes if name == "style" or name.startswith("on")], tag
        for name in ("href", "src", "action", "srcset"):
            assert not re.match(r"(?:[a-z]+:)?//|javascript:|data:", attributes.get(name, "")), attributes


def test_every_link_leads_somewhere(page: Document, site: Path) -> None:
    """Pages, assets and fragments exist."""
    ids = {attributes.get("id") for _, attributes in page.elements}
    for _, attributes in page.elements:
        for name in ("href", "src", "action", "data-source"):
            target = attributes.get(name, "")
            if target.startswith("#"):
                assert target[1:] in ids
            elif target and target not in ELSEWHERE:
                assert (site / output(target)).is_file(), target


def test_assets_are_all_hashed_and_self_contained(site: Path) -> None:
    """Style sheets, scripts and drawings load nothing from elsewhere and refer to each other by hashed name."""
    files = [path for path in (site / "assets").iterdir() if path.suffix != ".gz"]
    assert len(files) > 8
    for path in files:
        assert re.fullmatch(r"[a-z]+\.[0-9a-f]{12}\.(css|js|svg)", path.name)
        text = path.read_text().replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?://|@import|\beval\(|innerHTML|<script", text), path.name
        for name in re.findall(r"/assets/([^\"')]+)", text):
            assert (site / "assets" / name).is_file(), name


def luminance(color: str) -> float:
    """Relative luminance of #rrggbb (WCAG 2.2, definition of relative luminance)."""
    channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours, from 1 to 21."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_text_has_enough_contrast() -> None:
    """Every pair of text and background that the style sheet uses reaches 4.5:1, borders of fields 3:1 (WCAG AA)."""
    style = (SOURCE / "assets" / "site.css").read_text()
    named = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", style))
    backgrounds = [named["cream"], named["sand"], "#ffffff"]
    for text in ("ink", "soft", "clay", "clay-dark", "night", "leaf"):
        assert [] == [back for back in backgrounds if contrast(named[text], back) < 4.5], text
    pairs = [
        ("#ffffff", named["clay"]), ("#ffffff", "#6d6a72"), ("#d5d8ea", named["night"]),
        (named["gold"], named["night"]),
        ("#b3261e", "#ffffff"), ("#17483a", "#e3f1e8"), ("#842015", "#fce8e4"),
    ]  # fmt: skip
    assert [] == [pair for pair in pairs if pair[0] not in (*named.values(), "#ffffff") and pair[0] not in style]
    assert [] == [pair for pair in pairs if contrast(*pair) < 4.5]
    assert contrast(named["field"], "#ffffff") >= 3
    assert "prefers-reduced-motion" in style


def test_the_page_and_the_backend_agree() -> None:
    """Topics, field limits and file types of the forms are those of the API."""
    from app.contact import RULES, TOPICS
    from app.uploads import KINDS

    form = Document((SOURCE / "pages" / "contact.html").read_text())
    assert ["", *TOPICS] == [option["value"] for option in form.all("option")]
    limits = {name: rule.longest for name, rule in RULES.items() if name != "topic"}
    assert limits == {c["name"]: int(c["maxlength"]) for c in form.all("input", "textarea")}
    careers = Document((SOURCE / "pages" / "careers.html").read_text())
    assert ",".join(f".{extension}" for extension in KINDS) == careers.all("input")[0]["accept"]
    script = (SOURCE / "assets" / "careers.js").read_text()
    assert {name: kind.media_type for name, kind in KINDS.items()} == dict(
        re.findall(r'^  ([a-z]+): "(.+)",$', script, re.MULTILINE)
    )
