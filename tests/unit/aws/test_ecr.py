"""The engine's answer to a push, and which registry image is which."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from deployer.aws.ecr import Ecr, _digest, _is_same
from deployer.aws.session import Session
from deployer.errors import DeployError, ReleaseFailed
from deployer.model import Image
from tests.unit.aws import values

if TYPE_CHECKING:
    from collections.abc import Iterator

DIGEST = "sha256:" + "ab" * 32
CONFIG = "sha256:" + "cd" * 32


def test_the_digest_is_the_last_word() -> None:
    """Progress first, then what was pushed."""
    lines: Any = [{"status": "Pushing"}, {"status": "dev-1: digest: …"}, {"aux": {"Tag": "dev-1", "Digest": DIGEST}}]
    assert DIGEST == _digest(lines, "pushing")


@pytest.mark.parametrize(
    ("seen", "hint"),
    [
        ("repository name not known to registry: x", "inv apply"),
        ("denied: not authorized to perform ecr:PutImage", "may not push"),
        ("no basic auth credentials", "may not push"),
        ("unexpected EOF", ""),
    ],
)
def test_a_refused_push_says_what_the_registry_said(seen: str, hint: str) -> None:
    """The answer is read to its end all the same: only then is the connection free."""
    read: list[str] = []

    def answer() -> Iterator[Any]:
        yield {"error": seen, "errorDetail": {"message": seen}}
        read.append("to the end")

    with pytest.raises(ReleaseFailed) as caught:
        _digest(answer(), "pushing")
    assert caught.value.seen == seen
    assert hint in caught.value.hint
    assert read == ["to the end"]


def test_an_answer_without_a_digest_is_a_bug() -> None:
    """Nothing is ever deployed by tag."""
    with pytest.raises(DeployError):
        _digest([{"status": "Pushed"}], "pushing")


@pytest.mark.parametrize(("image_id", "expected"), [(CONFIG, True), (DIGEST, True), ("sha256:" + "00" * 32, False)])
def test_an_image_is_known_by_config_or_manifest(image_id: str, *, expected: bool) -> None:
    """Docker's classic store names images by their config, the containerd store by their manifest."""
    found: Any = {"imageManifest": f'{{"config": {{"digest": "{CONFIG}"}}}}', "imageId": {"imageDigest": DIGEST}}
    assert expected is _is_same(found, image_id)
    assert not _is_same({"imageManifest": "cut of", "imageId": {}}, CONFIG)


def test_references_name_the_environments_own_registry() -> None:
    """AWS's by account and region; the local one by the API's port, as Docker trusts only `localhost` without TLS."""
    image = Image("frontend", "indivillage/frontend", DIGEST)
    aws = Session(values.environment(cloud="aws", account_id="111111111111"), environ={})
    local = Session(values.environment(), endpoint_url="http://127.0.0.1:4576")
    host = "111111111111.dkr.ecr.ap-south-1.amazonaws.com"
    assert f"{host}/indivillage/frontend@{DIGEST}" == Ecr(aws).reference(image)
    assert f"localhost:4576/indivillage/frontend@{DIGEST}" == Ecr(local).reference(image)
