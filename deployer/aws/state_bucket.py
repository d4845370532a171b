"""The bucket that holds Terraform's state, the ledger, the lease and the journal.

Terraform cannot make the bucket its own state lives in, so it is made here, before `terraform init`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, cast

from deployer.aws.faults import Expected, mapped
from deployer.aws.state_key import StateKey
from deployer.errors import InputError

if TYPE_CHECKING:
    from mypy_boto3_s3.literals import BucketLocationConstraintType
    from mypy_boto3_s3.type_defs import (
        LifecycleRuleOutputTypeDef,
        LifecycleRuleTypeDef,
        OwnershipControlsRuleTypeDef,
        PublicAccessBlockConfigurationTypeDef,
        ServerSideEncryptionByDefaultTypeDef,
        ServerSideEncryptionRuleTypeDef,
        TagTypeDef,
    )

    from deployer.aws.session import Session

_Write = Callable[[], object]

LEASE_KEY = "lease.json"
JOURNAL_KEY = "journal.json"
ABORT_KEY = "abort.json"
LEDGER_PREFIX = "ledger/"
STATE_PREFIX = "terraform.tfstate"
BLOCKED: PublicAccessBlockConfigurationTypeDef = {
    "BlockPublicAcls": True,
    "IgnorePublicAcls": True,
    "BlockPublicPolicy": True,
    "RestrictPublicBuckets": True,
}
OWNED: list[OwnershipControlsRuleTypeDef] = [{"ObjectOwnership": "BucketOwnerEnforced"}]
LOCAL_ENCRYPTION: ServerSideEncryptionByDefaultTypeDef = {"SSEAlgorithm": "AES256"}
RULES: list[LifecycleRuleTypeDef] = [
    {
        # A held lease is renewed three times a minute, and a versioned bucket keeps every one of them.
        "ID": "old-leases",
        "Status": "Enabled",
        "Filter": {"Prefix": LEASE_KEY},
        "NoncurrentVersionExpiration": {"NoncurrentDays": 1},
    },
    {
        # Written twice a step. What matters of a run for longer is in the ledger.
        "ID": "old-journals",
        "Status": "Enabled",
        "Filter": {"Prefix": JOURNAL_KEY},
        "NoncurrentVersionExpiration": {"NoncurrentDays": 30},
    },
    {
        # Each apply writes one, and one more is kept of every lock. However old, the ten newest stay.
        "ID": "old-states",
        "Status": "Enabled",
        "Filter": {"Prefix": STATE_PREFIX},
        "NoncurrentVersionExpiration": {"NoncurrentDays": 90, "NewerNoncurrentVersions": 10},
    },
    {
        # Written when a release begins and when it ends; a damaged record comes back from the version before.
        "ID": "old-records",
        "Status": "Enabled",
        "Filter": {"Prefix": LEDGER_PREFIX},
        "NoncurrentVersionExpiration": {"NoncurrentDays": 365},
    },
    {
        "ID": "unfinished-uploads",
        "Status": "Enabled",
        "Filter": {"Prefix": ""},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
    },
]


class StateBucket:
    """Makes `environment.state_bucket` and keeps it versioned, encrypted, private and reachable by TLS only.

    On AWS it is encrypted with a key of the environment's own. The local cloud encrypts nothing with its keys.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._name = session.environment.state_bucket

    def ensure(self) -> tuple[str, ...]:
        """Bring the bucket to what it should be and return what was changed; nothing is written when it is right.

        A repeat costs six reads, made at once, and on AWS two of the key. What is wrong is written one after the other:
        S3 refuses two changes of who may reach a bucket at the same moment.
        """
        attempted = f"preparing the state bucket {self._name}"
        changed = self._create(attempted)
        aspects: tuple[tuple[str, Callable[[], _Write | None]], ...] = (
            ("versioning", self._version),
            ("encryption", self._encrypt),
            ("public access block", self._block),
            ("ownership", self._own),
            ("lifecycle", self._expire),
        )
        if self._session.secure:
            # The local cloud has no TLS: there the policy would lock everybody out as soon as it is enforced.
            aspects += (("TLS-only policy", self._require_tls),)
        with mapped(attempted):
            with ThreadPoolExecutor(len(aspects)) as pool:
                writes = list(pool.map(lambda aspect: aspect[1](), aspects))
            for write in writes:
                if write is not None:
                    write()
        return changed + tuple(name for (name, _), write in zip(aspects, writes, strict=True) if write is not None)

    def tag(self) -> tuple[str, ...]:
        """Give bucket and key the tags of what Terraform makes, and return which of them had others.

        Part of an apply: who only plans may not, and an older commit's plan is nobody's word. One read, on AWS three.
        S3 replaces the whole set: what somebody else put there stays.
        """
        s3, wanted, attempted = self._session.s3, self._session.environment.tags, f"tagging {self._name}"
        try:
            with mapped(attempted, expected={"NoSuchTagSet"}):
                seen = {tag["Key"]: tag["Value"] for tag in s3.get_bucket_tagging(Bucket=self._name)["TagSet"]}
        except Expected:
            seen = {}
        written: tuple[str, ...] = ()
        if not wanted.items() <= seen.items():
            tags: list[TagTypeDef] = [{"Key": name, "Value": value} for name, value in {**seen, **wanted}.items()]
            with mapped(attempted):
                s3.put_bucket_tagging(Bucket=self._name, Tagging={"TagSet": tags})
            written = ("bucket",)
        return written + (("key",) if self._session.secure and StateKey(self._session).tag() else ())

    def require(self) -> None:
        """Raise InputError unless the bucket is there: what only looks must not make one."""
        attempted = f"looking at the state of {self._session.environment.name}"
        try:
            with mapped(attempted, expected={"404", "NoSuchBucket"}):
                self._session.s3.head_bucket(Bucket=self._name)
        except Expected as absent:
            raise InputError(
                attempted,
                f"there is no bucket {self._name}: nothing was ever deployed, all of it would be created",
                f"inv deploy --env={self._session.environment.short_name}",
            ) from absent

    def serial(self, key: str) -> str:
        """Return `<lineage>/<serial>` of the Terraform state at `key`; "" when there is none yet.

        The serial grows with every change of the state, the lineage tells states apart
        (https://developer.hashicorp.com/terraform/internals/json-format, "state").
        """
        attempted = f"reading the state s3://{self._name}/{key}"
        try:
            with mapped(attempted, expected={"NoSuchKey", "NoSuchBucket", "404"}):
                state = json.loads(self._session.s3.get_object(Bucket=self._name, Key=key)["Body"].read())
                return f"{state['lineage']}/{state['serial']}"
        except Expected:
            return ""
        except (ValueError, KeyError, TypeError):
            return ""  # not a state that Terraform would read: planning says what is wrong with it

    def _create(self, attempted: str) -> tuple[str, ...]:
        s3 = self._session.s3
        try:
            with mapped(attempted, expected={"404", "NoSuchBucket"}):
                s3.head_bucket(Bucket=self._name)
        except Expected:
            with mapped(attempted, expected={"BucketAlreadyOwnedByYou"}):
                region = self._session.environment.region
                if region == "us-east-1":
                    s3.create_bucket(Bucket=self._name)
                else:
                    # Any other region has to be named (CreateBucket, LocationConstraint).
                    place = cast("BucketLocationConstraintType", region)
                    s3.create_bucket(Bucket=self._name, CreateBucketConfiguration={"LocationConstraint": place})
            return ("bucket",)
        return ()

    def _version(self) -> _Write | None:
        s3 = self._session.s3
        if s3.get_bucket_versioning(Bucket=self._name).get("Status") == "Enabled":
            return None
        return lambda: s3.put_bucket_versioning(Bucket=self._name, VersioningConfiguration={"Status": "Enabled"})

    def _encrypt(self) -> _Write | None:
        s3, wanted, changed = self._session.s3, LOCAL_ENCRYPTION, False
        if self._session.secure:
            key, changed = StateKey(self._session).ensure()
            wanted = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
        try:
            with mapped("reading its encryption", expected={"ServerSideEncryptionConfigurationNotFoundError"}):
                rules = s3.get_bucket_encryption(Bucket=self._name)["ServerSideEncryptionConfiguration"]["Rules"]
        except Expected:
            rules = []
        if [rule.get("ApplyServerSideEncryptionByDefault") for rule in rules] == [wanted]:
            return _nothing_more if changed else None
        # With a bucket key S3 asks KMS once in a while, not for every lease that is renewed.
        rule: ServerSideEncryptionRuleTypeDef = {"ApplyServerSideEncryptionByDefault": wanted}
        rule["BucketKeyEnabled"] = self._session.secure
        return lambda: s3.put_bucket_encryption(Bucket=self._name, ServerSideEncryptionConfiguration={"Rules": [rule]})

    def _block(self) -> _Write | None:
        s3 = self._session.s3
        try:
            with mapped("reading its public access block", expected={"NoSuchPublicAccessBlockConfiguration"}):
                seen = s3.get_public_access_block(Bucket=self._name)["PublicAccessBlockConfiguration"]
        except Expected:
            seen = {}
        if seen == BLOCKED:
            return None
        return lambda: s3.put_public_access_block(Bucket=self._name, PublicAccessBlockConfiguration=BLOCKED)

    def _own(self) -> _Write | None:
        """No ACLs: S3's own default for a new bucket, written down so that it comes back."""
        s3 = self._session.s3
        try:
            with mapped("reading its ownership", expected={"OwnershipControlsNotFoundError"}):
                rules = s3.get_bucket_ownership_controls(Bucket=self._name)["OwnershipControls"]["Rules"]
        except Expected:
            rules = []
        if rules == OWNED:
            return None
        return lambda: s3.put_bucket_ownership_controls(Bucket=self._name, OwnershipControls={"Rules": OWNED})

    def _expire(self) -> _Write | None:
        s3 = self._session.s3
        try:
            with mapped("reading its lifecycle", expected={"NoSuchLifecycleConfiguration"}):
                rules = s3.get_bucket_lifecycle_configuration(Bucket=self._name).get("Rules", [])
        except Expected:
            rules = []
        if {_told(rule) for rule in RULES} <= {_told(rule) for rule in rules}:
            return None
        return lambda: s3.put_bucket_lifecycle_configuration(Bucket=self._name, LifecycleConfiguration={"Rules": RULES})

    def _require_tls(self) -> _Write | None:
        s3 = self._session.s3
        wanted = tls_only_policy(self._name)
        try:
            with mapped("reading its policy", expected={"NoSuchBucketPolicy"}):
                seen = json.loads(s3.get_bucket_policy(Bucket=self._name)["Policy"])
        except Expected:
            seen = None
        if seen == wanted:
            return None
        return lambda: s3.put_bucket_policy(Bucket=self._name, Policy=json.dumps(wanted))


def _nothing_more() -> None:
    """The key was made or mended on the way."""


def _told(rule: LifecycleRuleTypeDef | LifecycleRuleOutputTypeDef) -> tuple[object, ...]:
    """What tells a rule from what somebody made of it; how filters are written is S3's own."""
    old, unfinished = rule.get("NoncurrentVersionExpiration", {}), rule.get("AbortIncompleteMultipartUpload", {})
    return rule.get("ID"), rule["Status"], old.get("NoncurrentDays"), unfinished.get("DaysAfterInitiation")


def tls_only_policy(bucket: str) -> dict[str, object]:
    """Return the bucket policy that refuses every request made without TLS."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "TlsOnly",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:*",
                "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"],
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            }
        ],
    }
