"""The key under which an environment's state, ledger, lease and journal are encrypted; on AWS only.

Terraform cannot make it: its own state lies under it. So it is made beside the bucket, once, and found by its alias.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from deployer.aws.faults import Expected, mapped

if TYPE_CHECKING:
    from mypy_boto3_kms.type_defs import TagTypeDef

    from deployer.aws.session import Session


class StateKey:
    """Makes the key behind `environment.state_key_alias` and keeps it rotated."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._alias = session.environment.state_key_alias

    def ensure(self) -> tuple[str, bool]:
        """Return the key's ARN and whether anything was changed. A repeat costs two reads.

        A run that is cut off right after it made a key, and before it named it, leaves one that nothing uses: its
        description says what it was for. Raises Unreachable, NotAllowed.
        """
        kms, attempted = self._session.kms, f"preparing the key {self._alias}"
        try:
            with mapped(attempted, expected={"NotFoundException"}):
                arn = kms.describe_key(KeyId=self._alias)["KeyMetadata"]["Arn"]
        except Expected:
            return self._create(attempted), True
        with mapped(attempted):
            if kms.get_key_rotation_status(KeyId=arn)["KeyRotationEnabled"]:
                return arn, False
            kms.enable_key_rotation(KeyId=arn)
        return arn, True

    def tag(self) -> bool:
        """Give the key, which is there, the environment's tags; say whether it had others."""
        kms, tags = self._session.kms, self._tags()
        with mapped(f"tagging the key {self._alias}"):
            key = kms.describe_key(KeyId=self._alias)["KeyMetadata"]["KeyId"]  # tags are asked of keys, not of aliases
            seen = kms.list_resource_tags(KeyId=key)["Tags"]
            if all(tag in seen for tag in tags):
                return False
            kms.tag_resource(KeyId=key, Tags=tags)
        return True

    def _tags(self) -> list[TagTypeDef]:
        return [{"TagKey": name, "TagValue": value} for name, value in self._session.environment.tags.items()]

    def _create(self, attempted: str) -> str:
        kms, environment = self._session.kms, self._session.environment
        with mapped(attempted):
            made = kms.create_key(
                Description=f"{environment.prefix}: Terraform state, ledger, lease, journal",
                Policy=json.dumps(policy(environment.account_id, environment.region)),
                Tags=self._tags(),
            )["KeyMetadata"]
            kms.enable_key_rotation(KeyId=made["KeyId"])
        try:
            with mapped(attempted, expected={"AlreadyExistsException"}):
                kms.create_alias(AliasName=self._alias, TargetKeyId=made["KeyId"])
        except Expected:  # somebody else's first command was quicker: theirs counts, ours was never used
            with mapped(attempted):
                kms.schedule_key_deletion(KeyId=made["KeyId"], PendingWindowInDays=7)
                return kms.describe_key(KeyId=self._alias)["KeyMetadata"]["Arn"]
        return made["Arn"]


def policy(account_id: str, region: str) -> dict[str, object]:
    """Return the key's policy: the account manages it, and whoever S3 lets at an object may decrypt it through S3.

    The second half is that of AWS's own key for S3, so IAM decides about objects alone, in one place
    (https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html, kms:ViaService).
    """
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "IdentitiesOfThisAccount",
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{account_id}:root"},
                "Action": "kms:*",
                "Resource": "*",
            },
            {
                "Sid": "ThroughS3",
                "Effect": "Allow",
                "Principal": {"AWS": "*"},
                "Action": ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"],
                "Resource": "*",
                "Condition": {
                    "StringEquals": {
                        "kms:CallerAccount": account_id,
                        "kms:ViaService": f"s3.{region}.amazonaws.com",
                    }
                },
            },
        ],
    }
