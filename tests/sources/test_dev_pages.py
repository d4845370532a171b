"""The site is replaced under nginx's hands: whole files, assets first, nothing stale, and pages that reload."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

import pytest

from deployer.errors import GateFailed
from deployer.tools.dev_pages import SCRIPT, STATE, DevPages
from tests.examples import ROOT


def checkout(folder: Path) -> Path:
    """A copy of the frontend's sources."""
    shutil.copytree(ROOT / "docker" / "frontend", folder / "docker" / "frontend")
    return folder


def pages(root: Path, *, live_reload: bool = True) -> DevPages:
    return DevPages(root, root / "served", os.environ, live_reload=live_reload)


def edit(root: Path, file: str, old: str, new: str) -> None:
    """Change one source file."""
    path = root / "docker" / "frontend" / "site" / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_the_site_is_built_as_the_image_builds_it(tmp_path: Path) -> None:
    """The builder's own line is the answer; without live reload nothing is added."""
    site = pages(checkout(tmp_path), live_reload=False)

    assert "pages" in site.build()
    assert (site.served / "index.html.gz").is_file()
    assert not (site.served / STATE).exists()
    assert not (site.served / SCRIPT).exists()


def test_every_page_reloads_itself(tmp_path: Path) -> None:
    """By a script of the site's own origin; the compressed pages, which lack it, are not served."""
    site = pages(checkout(tmp_path))
    site.build()
    text = (site.served / "contact" / "index.html").read_text(encoding="utf-8")

    assert 1 == text.count(f"/{SCRIPT}")
    assert f"/{STATE}" in (site.served / SCRIPT).read_text(encoding="utf-8")
    assert [] == list(site.served.rglob("*.html.gz"))


def test_an_edit_changes_page_and_state(tmp_path: Path) -> None:
    """What did not change keeps its file, so that nothing is sent twice."""
    root = checkout(tmp_path)
    site = pages(root)
    site.build()
    before = (site.served / STATE).read_text(encoding="utf-8")
    other = (site.served / "impact" / "index.html").stat().st_ino
    edit(root, "pages/home.html", "<h1>", "<h1>Edited ")
    site.build()

    assert "Edited" in (site.served / "index.html").read_text(encoding="utf-8")
    assert before != (site.served / STATE).read_text(encoding="utf-8")
    assert other == (site.served / "impact" / "index.html").stat().st_ino


def test_what_the_new_site_lacks_goes(tmp_path: Path) -> None:
    """An asset of an older build is gone once no page names it."""
    root = checkout(tmp_path)
    site = pages(root)
    site.build()
    (old,) = site.served.glob("assets/site.*.css")
    edit(root, "assets/site.css", "{", "{ /* edited */")
    site.build()

    assert old not in set(site.served.glob("assets/site.*.css"))
    assert 1 == len(list(site.served.glob("assets/site.*.css")))


def test_a_new_backend_reloads_pages_too(tmp_path: Path) -> None:
    """The pages are the same; what they show may not be."""
    site = pages(checkout(tmp_path))
    site.build()
    states = {(site.served / STATE).read_text(encoding="utf-8")}
    for _ in range(2):
        site.backend_changed()
        states.add((site.served / STATE).read_text(encoding="utf-8"))

    assert 3 == len(states)


def test_sources_that_do_not_fit_are_told_and_change_nothing(tmp_path: Path) -> None:
    """The builder's own words."""
    root = checkout(tmp_path)
    site = pages(root)
    site.build()
    before = (site.served / "index.html").read_bytes()
    edit(root, "pages/home.html", "<h1>", '<img src="/assets/none.svg"><h1>')
    with pytest.raises(GateFailed, match=r"/assets/none\.svg, which does not exist"):
        site.build()

    assert before == (site.served / "index.html").read_bytes()


def test_the_containers_user_can_read_everything(tmp_path: Path) -> None:
    """Whatever the developer's umask."""
    before = os.umask(0o077)
    try:
        site = pages(checkout(tmp_path))
        site.build()
    finally:
        os.umask(before)

    modes = {(place.is_dir(), stat.S_IMODE(place.stat().st_mode)) for place in [site.served, *site.served.rglob("*")]}
    assert {(True, 0o755), (False, 0o644)} == modes
