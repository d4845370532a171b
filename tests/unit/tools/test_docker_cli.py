"""Which docker command builds, how it is called, and what its failures mean."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
import requests

from deployer.errors import DeployError, GateFailed, Unreachable
from deployer.tools import docker_cli
from deployer.tools.docker_cli import BuildRequest, DockerCli
from tests.unit.tools.engine import program

NEW_WITHOUT_BUILDX = 'case "$1" in --version) echo "Docker version 28.2.2, build e6534b4" ;; *) exit 1 ;; esac'
OLD = 'case "$1" in --version) echo "Docker version 20.10.24+dfsg1, build 297e128" ;; *) exit 1 ;; esac'
WITH_BUILDX = 'case "$1" in buildx) echo "github.com/docker/buildx v0.13.1 788433953af10" ;; esac'


def path(*folders: Path) -> dict[str, str]:
    """An environment whose PATH is these folders, then the system's for the scripts' own needs."""
    return {"PATH": os.pathsep.join([*map(str, folders)])}


def test_first_docker_that_can_build_is_taken_not_the_first(tmp_path: Path) -> None:
    """Measured on a machine: 28.2 without buildx came first in PATH, Debian's 20.10 second."""
    program(tmp_path / "first", "docker", NEW_WITHOUT_BUILDX)
    old = program(tmp_path / "second", "docker", OLD)
    program(tmp_path / "third", "docker", WITH_BUILDX)

    found = docker_cli.find(path(tmp_path / "first", tmp_path / "second", tmp_path / "third"), tmp_path)

    assert found == DockerCli(str(old), None)


def test_plugin_makes_any_client_build(tmp_path: Path) -> None:
    new = program(tmp_path / "bin", "docker", WITH_BUILDX)

    assert docker_cli.find(path(tmp_path / "bin"), tmp_path) == DockerCli(str(new), (0, 13))


def test_clients_that_cannot_build_are_named(tmp_path: Path) -> None:
    program(tmp_path / "bin", "docker", NEW_WITHOUT_BUILDX)

    with pytest.raises(Unreachable, match=r"bin/docker \(28\.2, without buildx\)") as caught:
        docker_cli.find(path(tmp_path / "empty", tmp_path / "bin"), tmp_path)

    assert "buildx" in caught.value.hint


def test_no_docker_at_all_is_said(tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match="no docker in PATH"):
        docker_cli.find(path(tmp_path), tmp_path)


def request_in(folder: Path) -> BuildRequest:
    """A build of the folder."""
    return BuildRequest(folder, "indivillage/x:1", {"BASE": "b"}, {"label": "l"})


def test_old_client_builds_by_itself(tmp_path: Path) -> None:
    argv = DockerCli("/d", None).argv(request_in(tmp_path), {}, tmp_path / "id")

    assert argv[:4] == ["/d", "build", "--iidfile", str(tmp_path / "id")]
    assert argv[-1] == str(tmp_path)
    assert ["--build-arg", "BASE=b", "--label", "label=l"] == argv[8:12]


@pytest.mark.parametrize(("version", "attested"), [((0, 9), False), ((0, 10), True), ((1, 0), True)])
def test_plugin_builds_into_the_engine_itself(tmp_path: Path, version: tuple[int, int], attested: bool) -> None:
    """Any other builder cannot see a base image that exists only in the engine; old plugins know no --provenance."""
    argv = DockerCli("/d", version).argv(request_in(tmp_path), {}, tmp_path / "metadata")

    assert argv[1:7] == ["buildx", "build", "--builder", "default", "--metadata-file", str(tmp_path / "metadata")]
    assert attested == ("--provenance" in argv)
    assert "--load" in argv


def test_cache_in_a_registry_is_for_engines_that_can_keep_one(tmp_path: Path) -> None:
    """The classic store cannot export one, and buildx would end with an error."""
    request = replace(request_in(tmp_path), cache="registry.test/cache:x")

    classic, new = (
        DockerCli("/d", (0, 13), containerd).argv(request, {}, tmp_path / "metadata") for containerd in (False, True)
    )

    assert "--cache-to" not in classic
    assert "type=registry,ref=registry.test/cache:x,mode=max,ignore-error=true" in new


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("sha256:01", "sha256:01"),
        ('{"containerimage.digest": "sha256:02", "containerimage.config.digest": "sha256:03"}', "sha256:02"),
        ('{"containerimage.config.digest": "sha256:03"}', "sha256:03"),
    ],
)
def test_image_id_is_read_from_what_docker_wrote(tmp_path: Path, answer: str, expected: str) -> None:
    program(tmp_path / "bin", "docker", f"printf '%s' '{answer}' > \"$3\"")
    cli = DockerCli(str(tmp_path / "bin" / "docker"), None)

    assert expected == cli.build(request_in(tmp_path), environ=os.environ, log=tmp_path / "log", say=lambda _: None)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ([["driver-type", "io.containerd.snapshotter.v1"]], True),
        ([["Backing Filesystem", "extfs"]], False),
        (None, False),
    ],
)
def test_engine_says_which_store_it_has(status: object, *, expected: bool) -> None:
    assert expected is docker_cli.stores_in_containerd({"DriverStatus": status})


def build(folder: Path, script: str, **environ: str) -> list[str]:
    """Build with a docker command of this script; return what was said."""
    said: list[str] = []
    cli = DockerCli(str(program(folder / "bin", "docker", f'echo sha256:1 > "$3"; {script}')), None)
    cli.build(request_in(folder), environ={"PATH": os.environ["PATH"], **environ}, log=folder / "log", say=said.append)
    return said


def test_proxies_are_handed_on_by_name_alone(tmp_path: Path) -> None:
    """Their values may hold a password: docker reads them from its environment, and neither argv nor log has them."""
    given = tmp_path / "given"
    script = f'echo "$@" > {given}; echo "$https_proxy" >> {given}'

    build(tmp_path, script, https_proxy="http://ada:hunter2@proxy:3128", NO_PROXY="localhost", http_proxy="")

    words, value = given.read_text().splitlines()
    assert "--build-arg BASE=b --build-arg https_proxy --build-arg NO_PROXY --label" in words
    assert "http://ada:hunter2@proxy:3128" == value
    assert "--build-arg https_proxy" in (tmp_path / "log").read_text()
    assert "hunter2" not in words + (tmp_path / "log").read_text()


def test_build_tells_its_steps_and_logs_everything(tmp_path: Path) -> None:
    said = build(tmp_path, "echo '#5 [app 2/3] COPY app/ /app/'; echo '#5 0.3 detail'; echo buildkit=$DOCKER_BUILDKIT")

    assert said == ["[app 2/3] COPY app/ /app/"]
    assert "#5 0.3 detail" in (tmp_path / "log").read_text()
    assert "buildkit=1" in (tmp_path / "log").read_text()


@pytest.mark.parametrize(
    ("printed", "kind", "words"),
    [
        ("#9 ERROR: process /bin/sh -c false did not complete", GateFailed, "did not complete"),
        ("write /x: no space left on device", GateFailed, "no space left"),
        ("ERROR: Cannot connect to the Docker daemon at unix:///x", Unreachable, "no Docker Engine answers"),
        ("something else", GateFailed, "exit code 3"),
    ],
)
def test_failure_says_why(tmp_path: Path, printed: str, kind: type[DeployError], words: str) -> None:
    with pytest.raises(kind, match=words) as caught:
        build(tmp_path, f"echo '{printed}'; exit 3")

    assert caught.value.attempted == "build the image indivillage/x"


def test_engine_that_is_gone_becomes_unreachable() -> None:
    with pytest.raises(Unreachable, match="count the images: refused"), docker_cli.reaching_engine("count the images"):
        raise requests.ConnectionError("refused")
