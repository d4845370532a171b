"""Registry: ECR's control plane through boto3, layers through the Docker Engine.

Locally the registry answers on the local cloud's API port as `localhost:<port>`, which Docker trusts without TLS; on
AWS it is `<account>.dkr.ecr.<region>.amazonaws.com`, with a token that lives twelve hours.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from deployer.aws.faults import Expected, mapped
from deployer.errors import ReleaseFailed, Unreachable
from deployer.model import Image
from deployer.tools.docker_cli import reaching_engine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from mypy_boto3_ecr.type_defs import ImageIdentifierTypeDef, ImageTypeDef

    from deployer.aws.session import Session
    from deployer.model import BuiltImage
    from deployer.ports import Say
    from docker import DockerClient

PUSH_TIMEOUT_S = 600
MEDIA_TYPES = (
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)


class Ecr:
    """Fills ports.Registry. `engine` gives the Docker client that pushes; by default each push makes its own."""

    def __init__(self, session: Session, engine: Callable[[], DockerClient] | None = None) -> None:
        self._session = session
        self._engine = engine

    @property
    def host(self) -> str:
        """The registry's name in image references."""
        if self._session.endpoint_url is not None:
            return f"localhost:{urlsplit(self._session.endpoint_url).port or 80}"
        environment = self._session.environment
        return f"{environment.account_id}.dkr.ecr.{environment.region}.amazonaws.com"

    def reference(self, image: Image) -> str:
        """`<registry>/<repository>@<digest>`: what a task definition names."""
        return f"{self.host}/{image.repository}@{image.digest}"

    def push(self, built: BuiltImage, repository: str, tags: Sequence[str], say: Say) -> Image:
        """Push under `tags` and return the image by manifest digest.

        Nothing is pushed when the first tag already names this very image (its manifest's config digest is the
        image id): then the answer costs two calls. Further tags are set in the registry, without moving layers.
        """
        first = tags[0]
        there = self._find(repository, {"imageTag": first})
        if there is not None and _is_same(there, built.image_id):
            digest = there["imageId"]["imageDigest"]
            say(f"{repository}:{first} is already in the registry")
        else:
            digest = self._push(built, repository, first, say)
            if self._find(repository, {"imageDigest": digest}) is None:
                raise ReleaseFailed(
                    f"pushing {repository}:{first}",
                    f"the engine reported {digest}, which the registry does not know",
                    "push again; if it repeats, the registry loses images",
                )
        image = Image(built.service, repository, digest, tuple(tags))
        self.tag(image, tags[1:])
        return image

    def tag(self, image: Image, tags: Sequence[str]) -> None:
        """Point further tags at an image that is already there. Raises ReleaseFailed when it is not."""
        if not tags:
            return
        found = self._find(image.repository, {"imageDigest": image.digest})
        if found is None:
            raise ReleaseFailed(
                f"tagging {image.repository}@{image.digest}", "the registry has no such image", "push it first"
            )
        for tag in tags:
            # ECR answers so when the tag already points at this digest.
            try:
                with mapped(f"tagging {image.repository}:{tag}", expected={"ImageAlreadyExistsException"}):
                    self._session.ecr.put_image(
                        repositoryName=image.repository,
                        imageManifest=found["imageManifest"],
                        imageManifestMediaType=found.get("imageManifestMediaType", MEDIA_TYPES[0]),
                        imageDigest=image.digest,
                        imageTag=tag,
                    )
            except Expected:
                continue

    def is_of(self, image: Image, built: BuiltImage) -> bool:
        """Whether the registry has this digest and it is the engine's image `built`."""
        there = self._find(image.repository, {"imageDigest": image.digest})
        return there is not None and _is_same(there, built.image_id)

    def has(self, image: Image) -> bool:
        """Whether this digest is in the registry; a repository that does not exist holds nothing."""
        return self._find(image.repository, {"imageDigest": image.digest}) is not None

    def _find(self, repository: str, wanted: ImageIdentifierTypeDef) -> ImageTypeDef | None:
        try:
            with mapped(f"looking into {repository}", expected={"RepositoryNotFoundException"}):
                found = self._session.ecr.batch_get_image(
                    repositoryName=repository, imageIds=[wanted], acceptedMediaTypes=list(MEDIA_TYPES)
                )
        except Expected:
            return None
        return found["images"][0] if found.get("images") else None

    def _push(self, built: BuiltImage, repository: str, tag: str, say: Say) -> str:
        import docker

        name = f"{self.host}/{repository}"
        attempted = f"pushing {name}:{tag}"
        say(f"{attempted} ({built.size_bytes / 1e6:.0f} MB)")
        with reaching_engine(attempted):
            client = self._engine() if self._engine else docker.from_env(timeout=PUSH_TIMEOUT_S)
            try:
                client.api.tag(built.image_id, name, tag)
                lines = client.api.push(name, tag, stream=True, decode=True, auth_config=self._auth())
                return _digest(lines, attempted)
            finally:
                if self._engine is None:
                    client.close()

    def _auth(self) -> dict[str, str]:
        """Registry credentials. Never printed: docker-py sends them in a header and logs nothing."""
        if self._session.endpoint_url is not None:
            return {"username": "local", "password": "local"}
        with mapped("asking ECR for a push token"):
            answer = self._session.ecr.get_authorization_token()
        token = base64.b64decode(answer["authorizationData"][0]["authorizationToken"]).decode()
        username, _, password = token.partition(":")
        return {"username": username, "password": password}


def _digest(lines: Iterable[Mapping[str, Any]], attempted: str) -> str:
    """Read the manifest digest from the engine's progress stream, to its end: only then its connection is free."""
    digest = refused = ""
    for line in lines:
        refused = refused or str(line.get("error", ""))
        digest = line.get("aux", {}).get("Digest", digest)
    if refused:
        hint = "does the repository exist? `inv apply --env=…` makes it" if "not known" in refused else ""
        if "denied" in refused or "no basic auth" in refused:
            hint = "the identity you use may not push to this repository"
        raise ReleaseFailed(attempted, refused, hint)
    if not digest:
        raise Unreachable(attempted, "the engine ended its answer without a digest", "is it well? `docker info` tells")
    return digest


def _is_same(found: ImageTypeDef, image_id: str) -> bool:
    """Whether a registry image is the engine's image.

    The classic image store names an image by its config's digest, the containerd store by its manifest's.
    """
    try:
        manifest = json.loads(found.get("imageManifest", "{}"))
    except ValueError:
        return False
    return image_id in {manifest.get("config", {}).get("digest"), found["imageId"].get("imageDigest")}
