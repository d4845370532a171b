"""Secrets as task definitions name them, and buckets that are made once."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from deployer.aws.dev_stores import DevStores
from deployer.errors import DeployError, InputError
from deployer.model import Secret
from tests.examples import ENVIRONMENT

ARN = "arn:aws:secretsmanager:ap-south-1:000000000000:secret:indivillage-dev/database-AbCdEf"


class Aws:
    """Secrets Manager with one secret, S3 with these buckets."""

    def __init__(self, secret: str = "", *buckets: str) -> None:
        self.environment = ENVIRONMENT
        self.buckets = list(buckets)
        self.secret = secret
        self.s3 = SimpleNamespace(head_bucket=self._head, create_bucket=self._create)
        self.secretsmanager = SimpleNamespace(get_secret_value=self._value)

    def _value(self, *, SecretId: str) -> dict[str, str]:  # noqa: N803 - AWS's names
        if SecretId != ARN:
            raise ClientError({"Error": {"Code": "ResourceNotFoundException"}}, "GetSecretValue")
        return {"SecretString": self.secret}

    def _head(self, *, Bucket: str) -> None:  # noqa: N803
        if Bucket not in self.buckets:
            raise ClientError({"Error": {"Code": "404"}}, "HeadBucket")

    def _create(self, *, Bucket: str, CreateBucketConfiguration: dict[str, Any]) -> None:  # noqa: N803
        assert {"LocationConstraint": ENVIRONMENT.region} == CreateBucketConfiguration
        self.buckets.append(Bucket)


def stores(aws: Aws) -> DevStores:
    return DevStores(aws)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("reference", "value"), [(ARN, '{"password": "x"}'), (f"{ARN}:password::", "x"), (f"{ARN}:password", "x")]
)
def test_a_secret_is_read_whole_or_by_key(reference: str, value: str) -> None:
    """As ECS reads `valueFrom`; the value hides itself."""
    assert Secret(value) == stores(Aws('{"password": "x"}')).secret(reference)


def test_a_secret_without_the_key_is_told_without_its_value() -> None:
    """Its text is a secret too."""
    for text in ("hunter2", '{"user": "hunter2"}', '["hunter2"]'):
        with pytest.raises(DeployError, match="no JSON object with the key password") as caught:
            stores(Aws(text)).secret(f"{ARN}:password::")
        assert "hunter2" not in str(caught.value)


def test_a_secret_that_is_not_there_is_told() -> None:
    """Exit 2, with the next step."""
    with pytest.raises(InputError, match="ResourceNotFound"):
        stores(Aws()).secret("arn:aws:secretsmanager:ap-south-1:000000000000:secret:other")


def test_a_bucket_is_made_once() -> None:
    """And found the second time."""
    aws = Aws("", "there")
    for name in ("there", "new", "new"):
        stores(aws).ensure_bucket(name)

    assert ["there", "new"] == aws.buckets
