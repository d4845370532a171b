"""The docker command, for the one thing the Docker SDK cannot do: build with BuildKit.

Two generations are in use. A client with the buildx plugin builds through it, whatever the engine's age. A client older
than 23 has BuildKit built in and uses it when DOCKER_BUILDKIT=1. A newer client without the plugin cannot build
(measured: 28.2 against engine 20.10 falls back to the classic builder, without cache mounts). A machine may have
several, so the first in PATH order that can is taken.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from deployer.errors import DeployError, GateFailed, Unreachable
from deployer.tools import process

_INSTALL = "install Docker's buildx plugin, or Debian 12's docker.io, whose client has BuildKit built in"
_VERSION = re.compile(r"\bv?(\d+)\.(\d+)")
_STEP = re.compile(r"#\d+ (\[.*)")
_SHOWN = 64
"""Characters of a build step that people are told; the log has it whole."""
_ENGINE_GONE = re.compile(
    r"Cannot connect to the Docker daemon|error during connect|transport is closing|error reading from server: EOF"
    r"|code = Unavailable|connection reset by peer|: unexpected EOF",
)
"""What the client says when the engine goes away, before a build and in the middle of one."""
_PROXIES = ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")


@dataclass(frozen=True, slots=True)
class BuildRequest:
    """One `docker build`: the staged context directory, the tag to give, build arguments and image labels.

    `platform` is "" for the engine's own, else `linux/arm64` and the like. `cache` is where a registry keeps the steps
    of this image's builds, "" for nowhere.
    """

    context: Path
    tag: str
    args: Mapping[str, str]
    labels: Mapping[str, str]
    platform: str = ""
    cache: str = ""


@dataclass(frozen=True, slots=True)
class DockerCli:
    """A docker program that builds with BuildKit. `buildx` is the plugin's (major, minor), None for the old client.

    `containerd` says that the engine keeps its images in containerd's store: its BuildKit can then keep a cache in a
    registry.
    """

    program: str
    buildx: tuple[int, int] | None
    containerd: bool = False

    @property
    def exports_settled(self) -> bool:
        """Whether the exporter stamps SOURCE_DATE_EPOCH into the image instead of now (BuildKit 0.11, so Docker 24)."""
        return self.containerd and self.buildx is not None

    @property
    def caches_in_registry(self) -> bool:
        """Whether a registry can keep every step of a build (`mode=max`): the classic store's BuildKit cannot."""
        return self.containerd and self.buildx is not None

    def argv(self, request: BuildRequest, environ: Mapping[str, str], answer: Path) -> list[str]:
        """Return the command line that builds `request` into the local engine and writes the image's id to `answer`.

        The builder "default" is the engine itself: any other cannot see images that exist only there. Proxies of our
        own environment are handed on by name alone: docker takes the value, which may hold a password, from the
        environment it is given. BuildKit keeps these out of the image and of cache keys.
        """
        if self.buildx is None:
            command = [self.program, "build", "--iidfile", str(answer), "--tag", request.tag]
        else:
            command = [self.program, "buildx", "build", "--builder", "default", "--metadata-file", str(answer)]
            # Attestations turn the image into an index whose digest changes with every build.
            command += ["--provenance", "false"] if self.buildx >= (0, 10) else []
            command += ["--load", "--tag", request.tag]
            if request.cache and self.caches_in_registry:
                command += ["--cache-from", f"type=registry,ref={request.cache}"]
                command += ["--cache-to", f"type=registry,ref={request.cache},mode=max,ignore-error=true"]
        command += ["--platform", request.platform] if request.platform else []
        command += ["--progress", "plain"]
        for name, value in sorted(request.args.items()):
            command += ["--build-arg", f"{name}={value}"]
        for name in _PROXIES:
            command += ["--build-arg", name] if environ.get(name) else []
        for name, value in sorted(request.labels.items()):
            command += ["--label", f"{name}={value}"]
        return [*command, str(request.context)]

    def build(self, request: BuildRequest, *, environ: Mapping[str, str], log: Path, say: Callable[[str], None]) -> str:
        """Build `request` and return the image's id. Raises GateFailed with the log's last lines when a step fails."""
        env = {**environ, "DOCKER_BUILDKIT": "1", "BUILDKIT_PROGRESS": "plain"}

        def step(line: str) -> None:
            if found := _STEP.match(line):
                say(f"{found[1][:_SHOWN]}{'…' if len(found[1]) > _SHOWN else ''}")

        with tempfile.TemporaryDirectory(prefix="build-") as folder:
            answer = Path(folder, "answer")
            argv = self.argv(request, environ, answer)
            finished = process.run(argv, cwd=request.context, env=env, log=log, on_line=step, install=_INSTALL)
            if not finished.ok:
                raise _failure(request.tag, finished)
            return _image_id(answer.read_text(encoding="utf-8"))


def _image_id(answer: str) -> str:
    """The id in what docker wrote: alone in an --iidfile, the config's or the manifest's digest in buildx's metadata.

    With --load the classic store's id is the config's digest; an exporter of containerd's store names the manifest's.
    """
    if not answer.startswith("{"):
        return answer.strip()
    told = json.loads(answer)
    digest = told.get("containerimage.digest", "")
    return str(digest or told["containerimage.config.digest"])


def _failure(tag: str, finished: process.Finished) -> DeployError:
    tail = finished.tail[-15:]
    attempted = f"build the image {tag.partition(':')[0]}"
    text = "\n".join(tail)
    if _ENGINE_GONE.search(text):
        return Unreachable(attempted, "no Docker Engine answers", "start it, or run ./scripts/inv, which does")
    reason = next((line for line in reversed(tail) if "ERROR" in line or "error:" in line.lower()), "")
    hint = "the step that failed and what it printed are in the log"
    if "no space left on device" in text:
        reason, hint = "no space left on device", "free some: docker system prune, docker builder prune"
    return GateFailed(attempted, reason or f"exit code {finished.returncode}", hint, details=tail, log=finished.log)


def find(environ: Mapping[str, str], cwd: Path, *, containerd: bool = False) -> DockerCli:
    """Return the first docker in PATH that builds with BuildKit. Raises Unreachable when there is none.

    `containerd` is what the engine says of its store (`stores_in_containerd`).
    """
    seen = []
    for folder in environ.get("PATH", os.defpath).split(os.pathsep):
        program = os.path.join(folder, "docker")  # noqa: PTH118
        if not os.access(program, os.X_OK):
            continue
        found, version = _examine(program, environ, cwd)
        if found is not None:
            return replace(found, containerd=containerd)
        seen.append(f"{program} ({version}, without buildx)")
    unfit = ", ".join(seen) or "no docker in PATH"
    raise Unreachable("find a docker command that builds with BuildKit", unfit, _INSTALL)


def stores_in_containerd(info: Mapping[str, Any]) -> bool:
    """Whether the engine that gave this `docker info` keeps its images in containerd's store (Docker 24 and newer)."""
    return any("containerd.snapshotter" in str(value) for _, value in info.get("DriverStatus") or ())


def _examine(program: str, environ: Mapping[str, str], cwd: Path) -> tuple[DockerCli | None, str]:
    def ask(*arguments: str) -> str:
        answer = process.run([program, *arguments], cwd=cwd, env=environ, capture=True, timeout_s=20)
        return answer.output.strip() if answer.ok else ""

    if found := _VERSION.search(ask("buildx", "version")):
        return DockerCli(program, (int(found[1]), int(found[2]))), ""
    version = _VERSION.search(ask("--version"))
    if version and int(version[1]) < 23:
        return DockerCli(program, None), version[0]
    return None, version[0] if version else "of no known version"


@contextmanager
def reaching_engine(attempted: str) -> Iterator[None]:
    """Map what the Docker SDK raises while `attempted` to Unreachable; our own errors pass.

    The SDK lets the exceptions of what it is built on through where an answer breaks off half way.
    """
    from http.client import HTTPException

    import requests
    from docker.errors import DockerException
    from urllib3.exceptions import HTTPError

    try:
        yield
    except DockerException as error:
        raise Unreachable(attempted, str(error), "is the Docker Engine well? docker info tells") from error
    except (requests.RequestException, HTTPError, HTTPException, ConnectionError) as error:
        hint = "is the Docker Engine running? ./scripts/inv starts it"
        raise Unreachable(attempted, str(error) or type(error).__name__, hint) from error
