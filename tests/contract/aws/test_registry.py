"""The registry: what ECR says on both clouds, and pushes by a real engine on the local cloud."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from deployer.aws.ecr import Ecr
from deployer.errors import ReleaseFailed
from deployer.model import BuiltImage, Image

if TYPE_CHECKING:
    from docker.models.images import Image as EngineImage

    from deployer.aws.session import Session
    from docker import DockerClient
    from tests.contract.aws.stand_in import StandIn

CONFIG = "sha256:" + "11" * 32
MEDIA_TYPE = "application/vnd.docker.distribution.manifest.v2+json"
MANIFEST = json.dumps({"schemaVersion": 2, "mediaType": MEDIA_TYPE, "config": {"digest": CONFIG}})
ABSENT = "sha256:" + "00" * 32


@pytest.fixture
def image(session: Session) -> Image:
    """Put an image into a fresh repository, by its manifest."""
    name = f"{session.environment.short_name}/web"
    session.ecr.create_repository(repositoryName=name)
    put = session.ecr.put_image(repositoryName=name, imageManifest=MANIFEST, imageTag="dev-0123456")
    return Image("frontend", name, put["image"]["imageId"]["imageDigest"])


def no_engine() -> DockerClient:
    """Stand for an engine that must not be needed."""
    raise AssertionError("the engine was asked")


def digest_of(session: Session, image: Image, tag: str) -> str:
    """Read what a tag points at."""
    found = session.ecr.batch_get_image(repositoryName=image.repository, imageIds=[{"imageTag": tag}])["images"]
    return found[0]["imageId"]["imageDigest"]


def test_an_image_is_known_by_its_digest(session: Session, image: Image) -> None:
    """Another digest, or another repository, is not there."""
    registry = Ecr(session, no_engine)
    assert registry.has(image)
    assert not registry.has(Image("frontend", image.repository, ABSENT))
    assert not registry.has(Image("frontend", "nowhere/web", image.digest))


def test_a_built_image_is_told_from_another(session: Session, image: Image) -> None:
    """By the digest of its configuration, which the engine calls its id."""
    registry = Ecr(session, no_engine)
    built = BuiltImage("frontend", "indivillage/frontend:x", CONFIG, 1, cached=False)
    other = BuiltImage("frontend", "indivillage/frontend:y", ABSENT, 1, cached=False)
    assert registry.is_of(image, built)
    assert not registry.is_of(image, other)
    assert not registry.is_of(Image("frontend", image.repository, ABSENT), built)


def test_tags_are_moved_without_the_engine(session: Session, image: Image) -> None:
    """Setting a tag twice is as good as once."""
    registry = Ecr(session, no_engine)
    registry.tag(image, ["stable", "dev-latest"])
    registry.tag(image, ["stable"])
    assert (image.digest, image.digest) == (
        digest_of(session, image, "stable"),
        digest_of(session, image, "dev-latest"),
    )


def test_an_absent_image_cannot_be_tagged(session: Session, image: Image) -> None:
    """A tag must never point at nothing."""
    with pytest.raises(ReleaseFailed) as caught:
        Ecr(session, no_engine).tag(Image("frontend", image.repository, ABSENT), ["stable"])
    assert "no such image" in caught.value.seen


def test_an_image_that_is_there_is_not_pushed_again(session: Session, image: Image) -> None:
    """Its manifest's config is the engine's image id; the engine is not even asked."""
    said: list[str] = []
    built = BuiltImage("frontend", "indivillage/frontend:dev", CONFIG, 1, cached=True)
    pushed = Ecr(session, no_engine).push(built, image.repository, ["dev-0123456", "dev-latest"], said.append)
    assert (image.digest, ("dev-0123456", "dev-latest")) == (pushed.digest, pushed.tags)
    assert image.digest == digest_of(session, image, "dev-latest")
    assert ["already" in line for line in said] == [True]


def test_references_name_the_registry_and_the_digest(session: Session, image: Image) -> None:
    """On AWS the account's registry, locally the one on the local cloud's port."""
    reference = Ecr(session).reference(image)
    assert reference.endswith(f"/{image.repository}@{image.digest}")
    local = session.environment.cloud == "local"
    expected = "localhost:" if local else "123456789012.dkr.ecr.ap-south-1.amazonaws.com/"
    assert reference.startswith(expected)


def test_a_real_push_ends_in_the_digest_the_registry_knows(
    local_applied: StandIn, app: EngineImage, engine: DockerClient
) -> None:
    """Pushed once with every tag; the second time nothing moves."""
    registry = Ecr(local_applied.session, lambda: engine)
    repository = local_applied.topology.services["backend"].repository
    built = BuiltImage("backend", app.tags[0], str(app.id), 75_000_000, cached=False)
    said: list[str] = []
    pushed = registry.push(built, repository, ["dev-1", "dev-latest"], said.append)
    assert registry.has(pushed)
    assert pushed.digest == digest_of(local_applied.session, pushed, "dev-1")
    assert pushed.digest == digest_of(local_applied.session, pushed, "dev-latest")
    again = Ecr(local_applied.session, no_engine).push(built, repository, ["dev-1", "dev-latest"], said.append)
    assert pushed == again


def test_a_push_to_nowhere_says_that_the_repository_is_missing(
    local_applied: StandIn, app: EngineImage, engine: DockerClient
) -> None:
    """The registry's own words, and what makes the repository."""
    built = BuiltImage("backend", app.tags[0], str(app.id), 75_000_000, cached=False)
    with pytest.raises(ReleaseFailed) as caught:
        Ecr(local_applied.session, lambda: engine).push(built, "nowhere/at-all", ["dev-1"], list[str]().append)
    assert "nowhere/at-all" in caught.value.attempted
    assert "inv apply" in caught.value.hint
