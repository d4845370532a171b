"""The containers of `inv dev`: the project's own images, with the source tree mounted where the images have theirs.

    frontend   nginx of the image, the site built on the host mounted at /site; publishes one port of 127.0.0.1
    backend    python3 -m app of the image, docker/backend/app and migrations mounted; shares the frontend's network
    one-off    the backend's image for a moment: makes the database and migrates it

They join the local cloud's network, where Postgres, Redis and S3 have names. Sharing one network namespace, as the
containers of one ECS task do, means that a restarted backend is where nginx looks for it at once: an address of its own
would be another one then, and nginx would ask for it only after the resolver's five seconds.

Everything carries LABEL, by which whatever a killed `inv dev` left behind is found, and the local cloud's own label, so
that `inv cloud.down` takes it along.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deployer.errors import GateFailed, InputError
from deployer.tools.docker_cli import reaching_engine
from localcloud.names import LABEL as CLOUD_LABEL

if TYPE_CHECKING:
    from docker.models.containers import Container
    from docker.types import Mount

    from docker import DockerClient

LABEL = "com.indivillage.dev"
LOOPBACK = "127.0.0.1"
FRONTEND_PORT = 8080
BACKEND_PORT = 8081
LAST_LINES = 20
MIGRATE_TIMEOUT_S = 120
REMOVAL_S = 0.1
_PORT_TAKEN = ("port is already allocated", "address already in use")
_MAKE_DATABASE = """
import asyncio, os, asyncpg
async def main(name):
    connection = await asyncpg.connect(database="postgres", timeout=10)
    if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
        await connection.execute('CREATE DATABASE "%s"' % name.replace('"', '""'))
    await connection.close()
asyncio.run(main(os.environ["PGDATABASE"]))
"""
_MIGRATE = 'python3 -c "$MAKE_DATABASE" && python3 -m alembic upgrade head'


class DevContainers:
    """Makes, restarts and removes them, in the network of the local cloud called `cloud`, for the checkout at `root`.

    Every method raises Unreachable when the engine does not answer.
    """

    def __init__(self, engine: DockerClient, cloud: str, root: Path) -> None:
        self._engine = engine
        self._cloud = cloud
        self._root = root
        self._made: dict[str, Container] = {}

    def clean_up(self) -> tuple[str, ...]:
        """Remove every container of an `inv dev` of this checkout, at once; returns their names."""
        removed: set[str] = set()
        with reaching_engine("remove the containers of inv dev"):
            while found := self._engine.containers.list(all=True, filters=self._mine, ignore_removed=True):
                for container in found:
                    removed.add(str(container.name))
                    _remove(container)
        self._made.clear()
        return tuple(sorted(removed))

    def migrate(self, image: str, variables: Mapping[str, str]) -> None:
        """Make the database if it is not there, and bring its schema to the source tree's head. Raises GateFailed."""
        attempted = f"migrate the database {variables['PGDATABASE']}"
        with reaching_engine(attempted):
            container = self._create(
                "one-off",
                image,
                {**variables, "MAKE_DATABASE": _MAKE_DATABASE},
                command=["sh", "-c", _MIGRATE],
                mounts=self._sources(),
                user=_user(),
                network=self._cloud,
            )
            try:
                container.start()
                code = container.wait(timeout=MIGRATE_TIMEOUT_S)["StatusCode"]
                said = _last_lines(container)
            finally:
                _remove(container)
        if code:
            hint = "mend it: the next change of a migration tries again; what was deployed is not affected"
            raise GateFailed(attempted, f"it ended with exit code {code}", hint, details=said)

    def serve(
        self, frontend: str, backend: str, site: Path, port: int, variables: Mapping[str, Mapping[str, str]]
    ) -> None:
        """Start both, or replace both: FRONTEND and BACKEND are image references, `variables` theirs by service.

        Raises InputError when `port` is taken.
        """
        self._drop()
        with reaching_engine("start the frontend and the backend"):
            front = self._create(
                "frontend",
                frontend,
                {**variables["frontend"], "BACKEND_URL": f"http://{LOOPBACK}:{BACKEND_PORT}"},
                mounts=[_mount(site, "/site")],
                ports={f"{FRONTEND_PORT}/tcp": (LOOPBACK, port)},
                network=self._cloud,
            )
            _start(front, port)
            back = self._create(
                "backend",
                backend,
                {**variables["backend"], "PORT": str(BACKEND_PORT)},
                mounts=self._sources(),
                user=_user(),
                network_mode=f"container:{front.id}",
            )
            back.start()

    @property
    def complete(self) -> bool:
        """Whether both were made; a replacement that failed half way leaves less."""
        return set(self._made) == {"frontend", "backend"}

    def restart_backend(self) -> None:
        """Let the backend begin anew with the files that are there now; what it was answering is cut off."""
        with reaching_engine("restart the backend"):
            self._made["backend"].restart(timeout=0)

    def ended(self) -> tuple[str, tuple[str, ...]] | None:
        """Which of the two does not run any more and what it said last; None while both run."""
        with reaching_engine("look at the containers of inv dev"):
            for name, container in self._made.items():
                container.reload()
                if container.status != "running":
                    code = container.attrs["State"]["ExitCode"]
                    return f"the {name} ended with exit code {code}", _last_lines(container)
        return None

    def lines(self, name: str) -> Iterator[str]:
        """What `name` prints from now on, until it ends or is removed."""
        from docker.errors import DockerException
        from requests.exceptions import RequestException

        rest = b""
        with suppress(DockerException, RequestException, KeyError):
            for chunk in self._made[name].logs(stream=True, follow=True, since=int(time.time())):
                *whole, rest = (rest + chunk).split(b"\n")
                yield from (line.decode(errors="replace") for line in whole)

    @property
    def _mine(self) -> dict[str, Any]:
        return {"label": f"{LABEL}={self._cloud}"}

    def _drop(self) -> None:
        with reaching_engine("replace the containers of inv dev"):
            for container in reversed(self._made.values()):
                _remove(container)
        self._made.clear()

    def _sources(self) -> list[Mount]:
        backend = self._root / "docker" / "backend"
        return [_mount(backend / name, f"/app/{name}") for name in ("app", "migrations")]

    def _create(self, name: str, image: str, variables: Mapping[str, str], **options: Any) -> Container:
        """Create one as ECS does: read-only root, no capabilities, /tmp to write to."""
        container = self._engine.containers.create(
            image,
            name=f"{self._cloud}-dev-{name}",
            labels={LABEL: self._cloud, CLOUD_LABEL: self._cloud},
            environment=dict(variables),
            read_only=True,
            tmpfs={"/tmp": "mode=1777"},  # noqa: S108 # nosec B108
            cap_drop=["ALL"],
            security_opt=["no-new-privileges"],
            init=True,
            **options,
        )
        if name != "one-off":
            self._made[name] = container
        return container


def _mount(source: Path, target: str) -> Mount:
    from docker.types import Mount

    return Mount(target, str(source), type="bind", read_only=True)


def _user() -> str:
    """Ourselves: whatever a developer's umask and folders are like, the source tree can be read by its owner."""
    return f"{os.getuid()}:{os.getgid()}"


def _start(container: Container, port: int) -> None:
    from docker.errors import APIError

    try:
        container.start()
    except APIError as error:
        if any(words in str(error) for words in _PORT_TAKEN):
            raise port_taken(port) from error
        raise


def port_taken(port: int) -> InputError:
    """The error for a port that another program has."""
    hint = f"`ss -ltnp 'sport = :{port}'` names it; stop it, or choose another DEV_PORT in .env.local"
    return InputError("serve the site", f"{LOOPBACK}:{port} is taken by another program", hint)


def _last_lines(container: Container) -> tuple[str, ...]:
    said = container.logs(tail=LAST_LINES)
    return tuple(said.decode(errors="replace").rstrip().splitlines())


def _remove(container: Container) -> None:
    from docker.errors import APIError, NotFound

    with suppress(NotFound):
        try:
            container.remove(v=True, force=True)
        except NotFound:
            raise
        except APIError as error:
            if "already in progress" not in str(error):
                raise
            time.sleep(REMOVAL_S)
