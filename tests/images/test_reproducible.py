"""The same commit built twice is the same image: another checkout, another umask, another day, and nothing cached.

Each builder that this machine has is tried: docker's own BuildKit and, where there is one, the buildx plugin. Both must
give the very id that the build under test has, which is stronger than two equal builds of one kind. BUILDX names a
docker program with the plugin that is not in PATH. See ADR 5 for what is pinned and what is not.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

import docker
from deployer.errors import Unreachable
from deployer.model import SERVICES
from deployer.tools import build_context, docker_cli, provenance, settled_image
from deployer.tools.dependencies import Dependencies
from deployer.tools.docker_cli import BuildRequest, DockerCli
from deployer.tools.provenance import Provenance
from tests.images.stack import Images

# A build without cache takes 20 s on two idle cores, and ten times that where others build beside it.
pytestmark = pytest.mark.timeout(900)
ROOT = Path(__file__).resolve().parents[2]
NEVER = Provenance("0" * 40, datetime(2020, 1, 1, tzinfo=UTC))


def builders(engine: docker.DockerClient) -> list[DockerCli]:
    """One docker program of each kind that is here: with BuildKit built in, then with the plugin."""
    containerd = docker_cli.stores_in_containerd(engine.info())
    found: dict[bool, DockerCli] = {}
    for folder in filter(None, [os.environ.get("BUILDX", ""), *os.environ["PATH"].split(os.pathsep)]):
        try:
            cli = docker_cli.find({**os.environ, "PATH": folder}, ROOT, containerd=containerd)
        except Unreachable:
            continue
        found.setdefault(cli.buildx is not None, cli)
    return [found[kind] for kind in sorted(found)]


@pytest.fixture(scope="module")
def builder(engine: docker.DockerClient) -> DockerCli:
    """The docker program that most tests build with."""
    return builders(engine)[0]


def command_of(cli: DockerCli) -> list[str]:
    """How a build by hand begins."""
    return [cli.program, "build"] if cli.buildx is None else [cli.program, "buildx", "build", "--load"]


def docker_build(command: list[str]) -> None:
    """Run a build to its end, which must be a good one."""
    environ = {**os.environ, "DOCKER_BUILDKIT": "1"}
    done = subprocess.run(command, env=environ, check=False, capture_output=True, text=True)
    assert 0 == done.returncode, done.stderr[-3000:]


@dataclass(frozen=True, slots=True)
class Checkout:
    """A clone of this checkout at another path, with its uncommitted files, staged under another umask."""

    root: Path
    engine: docker.DockerClient
    base: str
    made: list[str] = field(default_factory=list)

    def staged(self, service: str) -> Path:
        """The context as the builder hands it to docker."""
        old = os.umask(0o077)
        try:
            context = build_context.collect(self.root, service, os.environ)
            packages = None
            if context.requirements:
                uv = Path(shutil.which("uv") or ROOT / ".venv" / "bin" / "uv")
                installer = Dependencies(self.root, uv, os.environ, self.root / ".cache")
                packages = installer.stage(context.requirements, self.engine.version()["Arch"], self.root / "uv.log")
            return context.stage(self.root / ".cache" / "contexts", packages)
        finally:
            os.umask(old)

    def build(self, cli: DockerCli, service: str, *options: str) -> str:
        """Build docker/`service` with further docker `options`; return the settled image's id."""
        made = provenance.of(
            self.root, build_context.collect(self.root, service, os.environ).sources, os.environ, NEVER
        )
        args = {"BASE": self.base, "COMMIT": made.revision, "SOURCE_DATE_EPOCH": str(made.epoch)}
        name = f"indivillage/test-reproducible-{service}:{len(self.made)}"
        own_name = name if cli.exports_settled else f"{name}-unsettled"
        request = BuildRequest(self.staged(service), own_name, args, made.labels)
        *command, context = cli.argv(request, os.environ, self.root / "answer")
        docker_build([*command, *options, context])
        self.made.append(name)
        if cli.exports_settled:
            return str(self.engine.images.get(name).id)
        return settled_image.settle(self.engine, request.tag, name, made.created)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory, engine: docker.DockerClient) -> Iterator[Checkout]:
    """Made once; its images are removed at the end."""
    root = tmp_path_factory.mktemp("elsewhere") / "a checkout"
    subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", str(ROOT), str(root)], check=True)
    for name in ("docker", "localcloud"):
        shutil.copytree(ROOT / name, root / name, dirs_exist_ok=True, symlinks=True)
    base = os.environ["BASE_IMAGE"]
    made = Checkout(root, engine, base)
    yield made
    for name in made.made:
        engine.images.remove(name, noprune=True)


def identity(engine: docker.DockerClient, images: Images, service: str) -> str:
    """The id of the image under test."""
    return str(engine.images.get(getattr(images, service)).id)


@pytest.mark.parametrize("service", SERVICES)
def test_a_build_without_cache_in_another_checkout_gives_the_same_id(
    engine: docker.DockerClient, images: Images, checkout: Checkout, builder: DockerCli, service: str
) -> None:
    """Every step is run again, apt's too."""
    assert identity(engine, images, service) == checkout.build(builder, service, "--no-cache")


def test_buildx_gives_the_same_id(engine: docker.DockerClient, images: Images, checkout: Checkout) -> None:
    """Another client, the same image; one service stands for both."""
    *_, plugin = builders(engine)
    if plugin.buildx is None:
        pytest.skip("NOT RUN: no docker here has the buildx plugin (BUILDX=FOLDER names one that is not in PATH)")

    assert identity(engine, images, "backend") == checkout.build(plugin, "backend", "--no-cache")


@pytest.mark.parametrize("service", SERVICES)
def test_nothing_but_debians_packages_comes_over_the_network(
    engine: docker.DockerClient, images: Images, checkout: Checkout, builder: DockerCli, service: str
) -> None:
    """With the steps that fetch those replaced by their result, the rest builds without a network, all the same.

    Engine 20.10 knows `RUN --network=none` not, so the promise is tried here and not written into the Dockerfile.
    """
    checkout.build(builder, service)
    folder = checkout.staged(service)
    dockerfile = folder / "Dockerfile"
    text = dockerfile.read_text(encoding="utf-8")
    fetched = f"indivillage/test-reproducible-python:{service}"
    base = f"BASE={checkout.base}"
    docker_build([*command_of(builder), "--target", "python", "--tag", fetched, "--build-arg", base, str(folder)])
    checkout.made.append(fetched)
    start = text.index("\nFROM python AS")
    end = text.rindex("\nFROM ")
    copies = [line for line in text[end:].splitlines() if line.startswith("COPY --from=")]
    offline = folder / "offline.Dockerfile"
    offline.write_text(
        "\n".join([f"FROM {fetched} AS python", text[start:end], "FROM python", *copies, ""]), encoding="utf-8"
    )
    name = f"indivillage/test-reproducible-offline:{service}"
    command = [*command_of(builder), "--network=none", "--no-cache", "--tag", name, "--file", str(offline)]
    docker_build([*command, str(folder)])
    checkout.made.append(name)


def layers(engine: docker.DockerClient, image: str) -> list[str]:
    """The hashes of the image's layers, lowest first."""
    return list(engine.images.get(image).attrs["RootFS"]["Layers"])


def test_a_changed_line_changes_the_last_layer_alone(
    engine: docker.DockerClient, checkout: Checkout, builder: DockerCli
) -> None:
    """So nothing else is pushed; and the proofs above would also hold if no content ever mattered."""
    before = layers(engine, checkout.build(builder, "backend"))
    with (checkout.root / "docker/backend/app/__init__.py").open("a", encoding="utf-8") as file:
        file.write("# changed\n")

    after = layers(engine, checkout.build(builder, "backend"))

    assert before[:-1] == after[:-1]
    assert before[-1] != after[-1]
