"""`inv dev`: the site served from the source tree, with reload, on the dev environment's Postgres, Redis and S3.

A worker does the work step by step and the main thread listens: Ctrl-C, SIGTERM or a closed terminal end it between two
steps, and whatever happens the containers are removed at the end, found by their label and not by what we remember.
An `inv dev` that was killed outright is cleaned up after by the next one.
"""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from deployer import console, dev_settings
from deployer.composition import stop_for_run
from deployer.dev_lines import USER_AGENT, readable
from deployer.dev_settings import DevSettings
from deployer.dev_site import DevSite, dev_site
from deployer.errors import DeployError, GateFailed, Interrupted, Locked
from deployer.source import log_folder
from deployer.stop import Stop, signals
from deployer.tools import file_lock, watch
from deployer.tools.dev_containers import LOOPBACK, DevContainers, port_taken
from deployer.tools.dev_pages import DevPages
from deployer.tools.git import Git
from localcloud.ports import can_bind

ROOT = Path(__file__).resolve().parent.parent
READY_TIMEOUT_S = 30.0
_POLL_S = 0.05
_LISTEN_S = 0.1


def dev() -> int:
    """Serve until asked to stop, which is 130 as for every command that is interrupted."""
    stop = stop_for_run()
    logs = log_folder(ROOT, "dev")
    with file_lock.held_or_not(ROOT / ".cache" / "dev.lock") as ours:
        if not ours:
            raise Locked("serve the site", "another `inv dev` runs in this checkout", "use it, or end it with Ctrl-C")
        settings = dev_settings.load(ROOT, console.line)
        site = dev_site(ROOT, logs)
        containers = site.containers()
        if left := containers.clean_up():
            console.line(f"removed what an earlier inv dev left: {', '.join(left)}")
        # A second Ctrl-C must not cut off the cleaning up.
        with signals(stop):
            try:
                _until_asked(stop, lambda: Server(site, settings, containers, stop).serve())
            except Interrupted:
                pass
            finally:
                removed = containers.clean_up()
        console.line(f"stopped; {len(removed)} containers removed" if removed else "stopped")
    return Interrupted.exit_code


def _until_asked(stop: Stop, work: Callable[[], None]) -> None:
    """Run `work` in a thread of its own; ask it to end when a signal comes, and wait until it has."""
    with ThreadPoolExecutor(1, thread_name_prefix="dev") as pool:
        doing = pool.submit(work)
        while not doing.done():
            if stop.asked:
                stop.set()  # again and again: it may have started another program since
            try:
                doing.exception(timeout=_LISTEN_S)
            except TimeoutError:
                continue
        doing.result()


class Server:
    """One `inv dev` from its first container to the last change."""

    def __init__(self, site: DevSite, settings: DevSettings, containers: DevContainers, stop: Stop) -> None:
        self._site = site
        self._settings = settings
        self._containers = containers
        self._stop = stop
        self._pages: DevPages = site.pages(settings)
        self._images: dict[str, str] = {}
        self._variables: Mapping[str, Mapping[str, str]] = {}
        self._told_end = False

    def serve(self) -> None:
        """Bring it up, then follow the source tree until asked to stop. Raises Interrupted."""
        port = self._settings.port
        if not can_bind(port):
            raise port_taken(port)
        # Watched from the beginning: what is saved while it comes up counts as well.
        folders = [ROOT / "docker" / "backend", ROOT / "docker" / "frontend"]
        changes = watch.changes(folders, self._stop.event.is_set)
        next(changes, None)
        began = time.monotonic()
        self._prepare()
        self._start()
        console.line(f"ready after {time.monotonic() - began:.1f} s; Ctrl-C ends it")
        console.answer(f"http://{LOOPBACK}:{port}")
        for changed in changes:
            self._follow(changed)
        raise Interrupted("serve the site", "asked to stop")

    def _prepare(self) -> None:
        topology = self._site.deployed(self._say)
        commit = Git(ROOT).commit().sha
        self._go_on()
        self._variables = self._site.variables(topology, self._settings, commit)
        self._build()
        self._go_on()
        self._containers.migrate(self._images["backend"], self._variables["backend"])
        self._go_on()
        self._pages.build()

    def _build(self) -> None:
        commit = Git(ROOT).commit()
        with ThreadPoolExecutor(2) as pool:
            built = pool.map(
                lambda name: self._site.build(name, commit.sha, commit.committed_at, self._say), ("backend", "frontend")
            )
            self._images = {image.service: image.reference for image in built}

    def _start(self) -> None:
        self._go_on()
        self._containers.serve(
            self._images["frontend"],
            self._images["backend"],
            self._pages.served,
            self._settings.port,
            self._variables,
        )
        for name in ("backend", "frontend"):
            self._listen(name)
        self._wait()

    def _follow(self, changed: frozenset[Path]) -> None:
        """Do what `changed` asks for; what cannot be done is told, and the next change is another chance."""
        if not changed:
            self._look_after()
            return
        began = time.monotonic()
        try:
            done = self._apply(wanted(changed))
        except Interrupted:
            raise
        except DeployError as error:
            console.failure(error)
        else:
            names = ", ".join(sorted(path.name for path in changed)[:3]) + (" …" if len(changed) > 3 else "")
            console.line(f"{names}: {done} in {time.monotonic() - began:.1f} s")

    def _apply(self, wants: frozenset[str]) -> str:
        if "image" in wants or not self._containers.complete:
            self._build()
            self._containers.migrate(self._images["backend"], self._variables["backend"])
            self._pages.build()
            self._start()
            self._pages.backend_changed()
            return "images built, containers replaced"
        done = []
        if "site" in wants:
            self._pages.build()
            done.append("site built")
        if "schema" in wants:
            self._containers.migrate(self._images["backend"], self._variables["backend"])
            done.append("migrated")
        if wants & {"backend", "schema"}:
            self._containers.restart_backend()
            self._listen("backend")
            self._wait()
            self._pages.backend_changed()
            done.append("backend restarted")
        return ", ".join(done)

    def _look_after(self) -> None:
        """Say once that a container ended by itself; the next change starts it again."""
        ended = self._containers.ended()
        if ended and not self._told_end:
            console.line(f"{ended[0]}; the next change starts it again")
        self._told_end = ended is not None

    def _wait(self) -> None:
        """Return when the backend answers through the frontend. Raises GateFailed with its last words if it ends."""
        attempted = "start the backend"
        deadline = time.monotonic() + READY_TIMEOUT_S
        while not answers(self._settings.port):
            self._go_on()
            if ended := self._containers.ended():
                self._told_end = True
                raise GateFailed(attempted, ended[0], "mend it: the next change starts it again", details=ended[1])
            if time.monotonic() > deadline:
                raise GateFailed(attempted, f"it does not answer after {READY_TIMEOUT_S:.0f} s", "its lines are above")
            self._stop.event.wait(_POLL_S)

    def _listen(self, name: str) -> None:
        def tell() -> None:
            for line in self._containers.lines(name):
                if shown := readable(line):
                    console.line(f"{name:<8} | {shown}")

        threading.Thread(target=tell, daemon=True, name=f"lines of {name}").start()

    def _say(self, line: str) -> None:
        console.line(line)

    def _go_on(self) -> None:
        if self._stop.event.is_set():
            raise Interrupted("serve the site", "asked to stop")


def wanted(changed: frozenset[Path]) -> frozenset[str]:
    """What these files ask for: `site`, `backend`, `schema`, or `image` for whatever is baked into an image.

    >>> sorted(wanted(frozenset({ROOT / "docker/backend/app/main.py", ROOT / "docker/frontend/site/layout.html"})))
    ['backend', 'site']
    >>> sorted(wanted(frozenset({ROOT / "docker/frontend/nginx/nginx.conf"})))
    ['image']
    """
    kinds = {
        "docker/backend/app": "backend",
        "docker/backend/migrations": "schema",
        "docker/frontend/site": "site",
        "docker/frontend/build_site.py": "site",
    }
    found = set()
    for path in changed:
        inside = path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else ""
        found.add(next((kind for start, kind in kinds.items() if f"{inside}/".startswith(f"{start}/")), "image"))
    return frozenset(found)


def answers(port: int) -> bool:
    """Whether the backend answers 200 through the frontend on `port`."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=2)
    try:
        connection.request("GET", "/api/version", headers={"User-Agent": USER_AGENT})
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
