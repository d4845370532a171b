"""Build step: turn `site/` into the files nginx serves.

    python3 build_site.py SOURCE TARGET

SOURCE/site.toml lists the pages; each is SOURCE/pages/<file> put into SOURCE/layout.html (string.Template). Files in
SOURCE/assets are published as TARGET/assets/<name>.<hash>.<ext>, the hash being that of their final contents, and every
`/assets/<name>` in a page, style sheet, script or drawing is rewritten to it. SOURCE/static is copied as it is. Text is
also written as .gz for nginx's gzip_static. The result depends on SOURCE alone.
"""

import gzip
import hashlib
import re
import shutil
import string
import sys
import tomllib
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Final

_REFERENCE: Final = re.compile(r"/assets/([A-Za-z0-9_.-]+)")
_TEXT: Final = frozenset({".html", ".css", ".js", ".svg", ".txt"})


class SiteError(Exception):
    """The site's sources do not fit together; the message names the file."""


@dataclass(frozen=True, slots=True)
class Page:
    """One entry of site.toml. `path` is the URL; `menu` its label in the navigation, empty to leave it out."""

    file: str
    path: str
    title: str
    description: str
    menu: str = ""

    @property
    def output(self) -> str:
        """Return the file that nginx serves for this page, relative to the target."""
        return f"{self.path.lstrip('/')}index.html" if self.path.endswith("/") else self.path.lstrip("/")


class Assets:
    """Publishes assets under hashed names, each after those it refers to."""

    def __init__(self, source: Path, target: Path) -> None:
        self._source = source
        self._target = target
        self._names: dict[str, str] = {}

    def publish_all(self) -> None:
        """Publish every file of the folder."""
        for path in sorted(self._source.iterdir()):
            self._publish(path.name, ())

    def rewrite(self, text: str, where: str, within: tuple[str, ...] = ()) -> str:
        """Return TEXT with every /assets/<name> replaced by its hashed name; SiteError when there is no such file."""

        def hashed(match: re.Match[str]) -> str:
            if not (self._source / match[1]).is_file():
                raise SiteError(f"{where} refers to /assets/{match[1]}, which does not exist in {self._source}")
            return f"/assets/{self._publish(match[1], within)}"

        return _REFERENCE.sub(hashed, text)

    def _publish(self, name: str, within: tuple[str, ...]) -> str:
        if name in within:
            raise SiteError(f"assets refer to each other in a circle: {' -> '.join((*within, name))}")
        if name not in self._names:
            content = (self._source / name).read_bytes()
            path = Path(name)
            if path.suffix in _TEXT:
                content = self.rewrite(content.decode(), name, (*within, name)).encode()
            digest = hashlib.sha256(content).hexdigest()[:12]
            self._names[name] = f"{path.stem}.{digest}{path.suffix}"
            write(self._target / self._names[name], content)
        return self._names[name]


def write(path: Path, content: bytes) -> None:
    """Write CONTENT, and for text of some size its gzip form beside it (without time stamp)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    if path.suffix in _TEXT and len(content) > 512:
        path.with_name(path.name + ".gz").write_bytes(gzip.compress(content, 9, mtime=0))


def menu(pages: list[Page], current: Page) -> str:
    """Return the navigation's list items; the current page is marked for assistive technology and style sheet."""
    items = []
    for page in pages:
        if page.menu:
            mark = ' aria-current="page"' if page is current else ""
            items.append(f'<li><a href="{page.path}"{mark}>{escape(page.menu)}</a></li>')
    return "\n          ".join(items)


def build(source: Path, target: Path) -> list[Page]:
    """Build the site in SOURCE into TARGET, which must not exist; return its pages. Raises SiteError."""
    declared = tomllib.loads((source / "site.toml").read_text())
    pages = [Page(**entry) for entry in declared["page"]]
    layout = string.Template((source / "layout.html").read_text())
    if unlisted := {path.name for path in (source / "pages").iterdir()} ^ {page.file for page in pages}:
        raise SiteError(f"site.toml and the folder pages/ disagree on: {', '.join(sorted(unlisted))}")
    shutil.copytree(source / "static", target)
    assets = Assets(source / "assets", target / "assets")
    assets.publish_all()
    for page in pages:
        try:
            text = layout.substitute(
                title=escape(page.title),
                description=escape(page.description),
                menu=menu(pages, page),
                main=(source / "pages" / page.file).read_text().strip(),
                scripts=_scripts(source, page),
            )
        except (KeyError, ValueError) as error:
            raise SiteError(f"layout.html has a placeholder that no page fills: {error}") from error
        write(target / page.output, assets.rewrite(text, page.file).encode())
    return pages


def _scripts(source: Path, page: Page) -> str:
    # A page has a script when one of its name exists: contact.html -> contact.js.
    name = Path(page.file).with_suffix(".js").name
    if not (source / "assets" / name).is_file():
        return ""
    return f'<script type="module" src="/assets/{name}"></script>'


def main() -> int:
    """Build from the two folders on the command line; 2 and one line on stderr when the sources are wrong."""
    source, target = Path(sys.argv[1]), Path(sys.argv[2])
    try:
        pages = build(source, target)
    except SiteError as error:
        print(f"The site cannot be built: {error}", file=sys.stderr)
        return 2
    print(f"{len(pages)} pages, {sum(1 for _ in (target / 'assets').iterdir())} asset files")
    return 0


if __name__ == "__main__":
    sys.exit(main())
