"""The site's build step: hashed names, references that follow them, errors that name the file."""

from __future__ import annotations

import gzip
import hashlib
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.application.conftest import ROOT

LAYOUT = "<title>$title</title><meta content='$description'>$scripts<ul>$menu</ul>$main<link href='/assets/site.css'>"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A site of one page: the page refers to a style sheet, which refers to a drawing."""
    folder = tmp_path / "source"
    for name in ("pages", "assets", "static"):
        (folder / name).mkdir(parents=True)
    (folder / "site.toml").write_text(
        '[[page]]\nfile = "home.html"\npath = "/"\ntitle = "A & B"\ndescription = "C"\nmenu = "Home"\n'
    )
    (folder / "layout.html").write_text(LAYOUT)
    (folder / "pages/home.html").write_text("<p>costs $5</p><img src='/assets/sun.svg'>")
    (folder / "assets/site.css").write_text("a { background: url(/assets/sun.svg) }" + " " * 600)
    (folder / "assets/sun.svg").write_text("<svg/>")
    (folder / "assets/home.js").write_text("1")
    (folder / "static/robots.txt").write_text("User-agent: *\n")
    return folder


def built(build_site: ModuleType, source: Path, name: str = "site") -> dict[str, bytes]:
    """Build SOURCE; return the files by relative path."""
    target = source.parent / name
    build_site.build(source, target)
    return {str(path.relative_to(target)): path.read_bytes() for path in target.rglob("*") if path.is_file()}


def test_names_carry_the_hash_of_the_final_contents(build_site: ModuleType, source: Path) -> None:
    """The page names the style sheet's hash, the style sheet the drawing's, and each is true."""
    files = built(build_site, source)
    page = files["index.html"].decode()
    names = re.findall(r"assets/[a-z]+\.[0-9a-f]{12}\.[a-z]+", page)
    assert ["home", "sun", "site"] == [name.split("/")[1].split(".")[0] for name in names]
    for name in names:
        assert hashlib.sha256(files[name]).hexdigest()[:12] == name.split(".")[1]
    assert names[1].encode() in files[names[2]]
    assert "A &amp; B" in page
    assert "costs $5" in page
    assert '<a href="/" aria-current="page">Home</a>' in page
    assert b"User-agent" in files["robots.txt"]


def test_a_changed_drawing_renames_all_that_refer_to_it(build_site: ModuleType, source: Path) -> None:
    """So a visitor never sees a new page with an old asset; what did not change keeps its name."""
    before = set(built(build_site, source, "before"))
    (source / "assets/sun.svg").write_text("<svg><g/></svg>")
    after = set(built(build_site, source, "after"))
    assert {"sun", "site"} == {Path(name).name.split(".")[0] for name in after - before}


def test_the_same_source_gives_the_same_bytes(build_site: ModuleType, source: Path) -> None:
    """The compressed forms too; they hold what the plain ones hold."""
    first, second = built(build_site, source, "first"), built(build_site, source, "second")
    assert first == second
    compressed = {name: content for name, content in first.items() if name.endswith(".gz")}
    assert 1 == len(compressed)
    for name, content in compressed.items():
        assert first[name.removesuffix(".gz")] == gzip.decompress(content)


@pytest.mark.parametrize(
    ("path", "text", "complaint"),
    [
        ("pages/home.html", "<img src='/assets/moon.svg'>", "home.html refers to /assets/moon.svg"),
        ("assets/sun.svg", "<use href='/assets/site.css'/>", "in a circle: site.css -> sun.svg -> site.css"),
        ("pages/forgotten.html", "", "disagree on: forgotten.html"),
        ("layout.html", "$title $colour", "a placeholder that no page fills: 'colour'"),
    ],
)
def test_sources_that_do_not_fit_are_named(source: Path, path: str, text: str, complaint: str) -> None:
    """The command ends with 2 and one line, so the image's build fails there."""
    (source / path).write_text(text)
    command = [sys.executable, str(ROOT / "docker/frontend/build_site.py"), str(source), str(source.parent / "site")]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert 2 == ended.returncode
    (line,) = ended.stderr.splitlines()
    assert complaint in line
