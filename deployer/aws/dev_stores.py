"""What local development and `inv db.console` use of the dev environment's cloud: credentials, and buckets apart."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, cast

from deployer.aws.faults import Expected, mapped
from deployer.errors import DeployError
from deployer.model import Secret

if TYPE_CHECKING:
    from mypy_boto3_s3.literals import BucketLocationConstraintType

    from deployer.aws.session import Session

_ARN_FIELDS = 7


class DevStores:
    """Reads secrets and makes buckets in the account that `session` is signed in to."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def secret(self, reference: str) -> Secret:
        """The value that a task definition's `valueFrom` names: `<secret ARN>`, or `<secret ARN>:<JSON key>::`.

        (Amazon ECS Developer Guide, "Pass Secrets Manager secrets through environment variables".)
        """
        fields = reference.split(":")
        arn, key = ":".join(fields[:_ARN_FIELDS]), (fields[_ARN_FIELDS:] or [""])[0]
        attempted = f"reading the secret {arn.rpartition(':')[2]}"
        with mapped(attempted):
            text = self._session.secretsmanager.get_secret_value(SecretId=arn)["SecretString"]
        if not key:
            return Secret(text)
        try:
            return Secret(str(json.loads(text)[key]))
        except (ValueError, KeyError, TypeError):
            raise DeployError(attempted, f"it holds no JSON object with the key {key}") from None

    def ensure_bucket(self, bucket: str) -> None:
        """Make `bucket` unless it is there. For the local cloud only: it gets none of the protection of a real one."""
        s3 = self._session.s3
        try:
            with mapped(f"looking for the bucket {bucket}", expected={"404", "NoSuchBucket"}):
                s3.head_bucket(Bucket=bucket)
        except Expected:
            place = cast("BucketLocationConstraintType", self._session.environment.region)
            with mapped(f"making the bucket {bucket}"):
                s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": place})
