"""The site as `inv dev` serves it: built by the image's own build_site.py, put where nginx reads while it reads.

nginx has the folder mounted, so it cannot be exchanged as a whole: each file is replaced at once, assets before the
pages that name them, and what the new site lacks goes last. A page that is asked for meanwhile is the old one or the
new one, and every asset it names is there.

For live reload each page also gets a script (the site's Content-Security-Policy allows those of its own origin) that
asks for a small file now and then, and reloads the page when that file says something else.
"""

from __future__ import annotations

import hashlib
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from deployer.errors import GateFailed
from deployer.tools import process

STATE = "assets/dev-state.txt"
SCRIPT = "assets/dev-reload.js"
_TAG = b'<script type="module" src="/assets/dev-reload.js"></script></head>'
_RELOAD = b"""// Added by `inv dev` only.
let before;
setInterval(async () => {
  if (document.hidden) return;
  try {
    const answer = await fetch("/assets/dev-state.txt", { cache: "no-store" });
    const now = await answer.text();
    if (answer.ok && before && before !== now) location.reload();
    if (answer.ok) before = now;
  } catch { /* inv dev is not there just now */ }
}, 500);
"""


class DevPages:
    """Builds the site of the checkout at `root` into `served`; `environ` is what the builder is run with."""

    def __init__(self, root: Path, served: Path, environ: Mapping[str, str], *, live_reload: bool) -> None:
        self._source = root / "docker" / "frontend"
        self.served = served
        self._environ = environ
        self._live_reload = live_reload
        self._backend = 0

    def build(self) -> str:
        """Build and publish; returns the builder's one line. Raises GateFailed when the sources do not fit together."""
        self.served.mkdir(parents=True, exist_ok=True)
        self.served.chmod(0o755)
        # Beside the target, so that files can be moved over.
        with tempfile.TemporaryDirectory(dir=self.served.parent, prefix="site-") as folder:
            built = Path(folder) / "site"
            command = [sys.executable, str(self._source / "build_site.py"), str(self._source / "site"), str(built)]
            done = process.run(command, cwd=self._source, env=self._environ)
            if not done.ok:
                seen = done.tail[-1] if done.tail else f"exit code {done.returncode}"
                raise GateFailed("build the site", seen, "what was served before is served on", details=done.tail[:-1])
            if self._live_reload:
                _add_reload(built)
            _publish(built, self.served)
        self._note()
        return done.tail[-1]

    def backend_changed(self) -> None:
        """Let open pages reload although no page changed."""
        self._backend += 1
        self._note()

    def _note(self) -> None:
        if self._live_reload:
            pages = sorted(self.served.rglob("*.html"))
            whole = hashlib.sha256(b"\0".join(page.read_bytes() for page in pages)).hexdigest()
            _replace(self.served / STATE, f"{whole} {self._backend}\n".encode())


def _add_reload(built: Path) -> None:
    (built / SCRIPT).write_bytes(_RELOAD)
    for page in built.rglob("*.html"):
        page.write_bytes(page.read_bytes().replace(b"</head>", _TAG, 1))
        # nginx would serve the compressed page instead, which has no such script.
        page.with_name(f"{page.name}.gz").unlink(missing_ok=True)


def _publish(built: Path, served: Path) -> None:
    wanted = sorted(file.relative_to(built) for file in built.rglob("*") if file.is_file())
    for file in sorted(wanted, key=lambda file: file.parts[0] != "assets"):
        content = (built / file).read_bytes()
        place = served / file
        if not place.is_file() or place.read_bytes() != content:
            _replace(place, content)
    kept = {served / file for file in wanted} | {served / STATE}
    for place in served.rglob("*"):
        if place.is_file() and place not in kept:
            place.unlink()


def _replace(place: Path, content: bytes) -> None:
    """Write a file that the container's user can read, at once, whatever our umask."""
    place.parent.mkdir(parents=True, exist_ok=True)
    place.parent.chmod(0o755)
    new = place.with_name(f".{place.name}.new")
    new.write_bytes(content)
    new.chmod(0o644)
    new.replace(place)
