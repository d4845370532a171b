"""The Docker Engine's errors as ours: the SDK's exceptions are known here and nowhere else on the host side."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from localcloud.errors import CloudError, DiskFull, EngineRefused, EngineUnreachable, PortTaken

if TYPE_CHECKING:
    import docker

DEFAULT_SOCKET = "/var/run/docker.sock"
FULL = "no space left on device"
TAKEN = ("port is already allocated", "address already in use")


def connect() -> docker.DockerClient:
    """A client of the engine that DOCKER_HOST or the default socket names. Raises EngineUnreachable."""
    import docker

    attempted = "reach the Docker Engine"
    host = os.environ.get("DOCKER_HOST", f"unix://{DEFAULT_SOCKET}")
    if host.startswith("unix://"):  # asked first by hand: the SDK leaves a socket open when nobody answers
        with socket.socket(socket.AF_UNIX) as knock:
            try:
                knock.connect(host.removeprefix("unix://"))
            except OSError as error:
                raise unreachable(attempted, error) from error
    with reaching(attempted):
        return docker.from_env()


@contextmanager
def reaching(attempted: str) -> Iterator[None]:
    """Turn what the Docker SDK raises inside into a CloudError that says what was ATTEMPTED."""
    from http.client import HTTPException

    from docker.errors import APIError, DockerException
    from requests.exceptions import RequestException
    from urllib3.exceptions import HTTPError

    try:
        yield
    except APIError as error:
        raise refusal(attempted, str(error.explanation or error)) from error
    except (DockerException, RequestException, HTTPError, HTTPException, ConnectionError) as error:
        raise unreachable(attempted, error) from error


def refusal(attempted: str, seen: str) -> CloudError:
    """The error for what the engine said."""
    first = seen.strip().splitlines()[0] if seen.strip() else "it did not say why"
    if FULL in seen.lower():
        return disk_full(attempted, first)
    if any(words in seen.lower() for words in TAKEN):
        return PortTaken(attempted, first, "stop the program that holds the port and try again")
    return EngineRefused(attempted, f"the Docker Engine refused: {first}", "`docker info` shows the engine's state")


def disk_full(attempted: str, seen: str) -> DiskFull:
    """The error for a full disk, however it was noticed."""
    return DiskFull(attempted, seen, "make room, for instance with `docker system prune`, and try again")


def unreachable(attempted: str, error: Exception) -> EngineUnreachable:
    """The error for an engine that does not answer."""
    where = os.environ.get("DOCKER_HOST", f"unix://{DEFAULT_SOCKET}")
    why = "permission denied" if "Permission" in str(error) else "no Docker Engine answers"
    hint = "add yourself to the group docker" if "Permission" in str(error) else "start it, or set DOCKER_HOST"
    return EngineUnreachable(attempted, f"{why} at {where}", hint)


def socket_path() -> str:
    """The engine's socket as the engine's own machine names it, to be mounted into the cloud's container.

    Docker Desktop's socket in the user's home is a relay to a virtual machine where the engine has the default path.
    """
    host = os.environ.get("DOCKER_HOST", "")
    path = host.removeprefix("unix://")
    if not host.startswith("unix://") or Path(path).is_relative_to(Path.home()):
        return DEFAULT_SOCKET
    return path
