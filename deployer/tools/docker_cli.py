"""The docker command, for the one thing the Docker SDK cannot do: build with BuildKit.

Two generations are in use. A client with the buildx plugin builds through it, whatever the engine's age. A client older
than 23 has BuildKit built in and uses it when DOCKER_BUILDKIT=1. A newer client without the plugin cannot build
(measured: 28.2 against engine 20.10 falls back to the classic builder, without cache mounts). A machine may have
several, so the first in PATH order that can is taken.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

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
    """One `docker build`: the staged context directory, the tag to give, build arguments and image labels."""

    context: Path
    tag: str
    args: Mapping[str, str]
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class DockerCli:
    """A docker program that builds with BuildKit. `buildx` is the plugin's (major, minor), None for the old client."""

    program: str
    buildx: tuple[int, int] | None

    def argv(self, request: BuildRequest, environ: Mapping[str, str]) -> list[str]:
        """Return the command line that builds `request` into the local engine.

        The builder "default" is the engine itself: any other cannot see images that exist only there. Proxies of our
        own environment are handed on by name alone: docker takes the value, which may hold a password, from the
        environment it is given. BuildKit keeps these out of the image and of cache keys.
        """
        if self.buildx is None:
            command = [self.program, "build"]
        else:
            command = [self.program, "buildx", "build", "--builder", "default", "--load"]
            # Attestations turn the image into an index whose digest changes with every build.
            command += ["--provenance", "false"] if self.buildx >= (0, 10) else []
        command += ["--progress", "plain", "--tag", request.tag]
        for name, value in sorted(request.args.items()):
            command += ["--build-arg", f"{name}={value}"]
        for name in _PROXIES:
            command += ["--build-arg", name] if environ.get(name) else []
        for name, value in sorted(request.labels.items()):
            command += ["--label", f"{name}={value}"]
        return [*command, str(request.context)]

    def build(
        self, request: BuildRequest, *, environ: Mapping[str, str], log: Path, say: Callable[[str], None]
    ) -> None:
        """Build `request`. Raises GateFailed with the last lines of the log when a step of it fails."""
        env = {**environ, "DOCKER_BUILDKIT": "1", "BUILDKIT_PROGRESS": "plain"}

        def step(line: str) -> None:
            if found := _STEP.match(line):
                say(f"{found[1][:_SHOWN]}{'…' if len(found[1]) > _SHOWN else ''}")

        finished = process.run(
            self.argv(request, environ), cwd=request.context, env=env, log=log, on_line=step, install=_INSTALL
        )
        if not finished.ok:
            raise _failure(request.tag, finished)


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


def find(environ: Mapping[str, str], cwd: Path) -> DockerCli:
    """Return the first docker in PATH that builds with BuildKit. Raises Unreachable when there is none."""
    seen = []
    for folder in environ.get("PATH", os.defpath).split(os.pathsep):
        program = os.path.join(folder, "docker")  # noqa: PTH118
        if not os.access(program, os.X_OK):
            continue
        cli, version = _examine(program, environ, cwd)
        if cli is not None:
            return cli
        seen.append(f"{program} ({version}, without buildx)")
    found = ", ".join(seen) or "no docker in PATH"
    raise Unreachable("find a docker command that builds with BuildKit", found, _INSTALL)


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
