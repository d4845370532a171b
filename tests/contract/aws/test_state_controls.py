"""The bucket of the state, and its key, held to the security controls that Terraform's buckets and keys are held to.

What was made is read back from S3 and KMS and told to the checks in Terraform's words. That its requests are logged
(S3.9) is Terraform's to say: tests/infrastructure judges it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from deployer.aws.faults import Expected, mapped
from deployer.aws.session import Session
from deployer.aws.state_bucket import StateBucket, tls_only_policy
from tests.contract.aws.conftest import MOTO_ACCOUNT, short_name
from tests.infrastructure.controls import Check, storage
from tests.infrastructure.controls.found import Found
from tests.unit.aws import values

CALLER = "kms:CallerAccount"
HELD_TO: dict[str, Check] = {
    "S3.2": storage.not_read_by_all,
    "S3.3": storage.not_written_by_all,
    "S3.5": storage.tls_only,
    "S3.6": storage.no_other_account,
    "S3.8": storage.closed_buckets,
    "S3.12": storage.no_acls,
    "S3.13": storage.lifecycle,
    "KMS.4": storage.rotated,
    "KMS.5": storage.not_public,
}
READ: dict[str, tuple[str, str, Callable[[Any], Mapping[str, Any]]]] = {
    "aws_s3_bucket_policy": ("get_bucket_policy", "NoSuchBucketPolicy", lambda seen: {"policy": seen["Policy"]}),
    "aws_s3_bucket_public_access_block": (
        "get_public_access_block",
        "NoSuchPublicAccessBlockConfiguration",
        lambda seen: in_terraforms_words(seen["PublicAccessBlockConfiguration"]),
    ),
    "aws_s3_bucket_ownership_controls": (
        "get_bucket_ownership_controls",
        "OwnershipControlsNotFoundError",
        lambda seen: {"rule": in_terraforms_words(seen["OwnershipControls"]["Rules"])},
    ),
    "aws_s3_bucket_lifecycle_configuration": (
        "get_bucket_lifecycle_configuration",
        "NoSuchLifecycleConfiguration",
        lambda seen: {"rule": in_terraforms_words(seen["Rules"])},
    ),
}
"""Terraform's resource -> S3's call, what it says when there is none, and how its answer is told."""


@pytest.fixture
def aws_session(moto: None) -> Session:
    """A session of a fresh environment on AWS (moto): the local cloud's buckets have neither key nor policy."""
    return Session(values.environment(short_name(), cloud="aws", account_id=MOTO_ACCOUNT), environ={})


def in_terraforms_words(answer: Any) -> Any:
    """`BlockPublicAcls` -> `block_public_acls`, however deep."""
    if isinstance(answer, list):
        return [in_terraforms_words(one) for one in answer]
    if isinstance(answer, Mapping):
        return {re.sub(r"\B([A-Z])", r"_\1", key).lower(): in_terraforms_words(one) for key, one in answer.items()}
    return answer


def found(session: Session) -> Iterator[Found]:
    """The bucket and its key as they are."""
    name = session.environment.state_bucket
    yield Found("aws_s3_bucket", "deployer:", "state", {"bucket": name})
    for kind, (call, absent, told) in READ.items():
        try:
            with mapped(call, expected={absent}):
                seen = told(getattr(session.s3, call)(Bucket=name))
                yield Found(kind, "deployer:", "state", {"bucket": name, **seen})
        except Expected:
            continue
    key = session.kms.describe_key(KeyId=session.environment.state_key_alias)["KeyMetadata"]["KeyId"]
    policy = session.kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"]
    rotated = session.kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"]
    yield Found("aws_kms_key", "deployer:", "state", {"policy": policy, "enable_key_rotation": rotated})


def broken(session: Session) -> list[str]:
    """The controls that do not hold."""
    things = list(found(session))
    return [control for control, check in HELD_TO.items() if list(check(things))]


def test_the_state_is_kept_as_safe_as_what_terraform_makes(aws_session: Session) -> None:
    """Nobody outside, no plain HTTP, no ACL, old versions end, and the key is rotated and not public."""
    StateBucket(aws_session).ensure()
    assert broken(aws_session) == []


def let_everybody_in(session: Session) -> None:
    """A policy that lets anybody write."""
    name = session.environment.state_bucket
    anybody = {"Effect": "Allow", "Principal": "*", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{name}/*"}
    policy: dict[str, Any] = tls_only_policy(name)
    policy["Statement"] = [*policy["Statement"], anybody]
    session.s3.delete_bucket_policy(Bucket=name)
    session.s3.put_bucket_policy(Bucket=name, Policy=json.dumps(policy))


def open_the_key(session: Session, condition: dict[str, dict[str, str]]) -> None:
    """A key policy for everybody who meets the condition."""
    key = session.kms.describe_key(KeyId=session.environment.state_key_alias)["KeyMetadata"]["KeyId"]
    statement = {"Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*", "Condition": condition}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    session.kms.put_key_policy(KeyId=key, PolicyName="default", Policy=policy)


def stop_rotation(session: Session) -> None:
    """As somebody could by hand."""
    key = session.kms.describe_key(KeyId=session.environment.state_key_alias)["KeyMetadata"]["KeyId"]
    session.kms.disable_key_rotation(KeyId=key)


@pytest.mark.parametrize(
    ("loosen", "noticed", "mended"),
    [
        (lambda session, name: session.s3.delete_public_access_block(Bucket=name), ["S3.2", "S3.3", "S3.8"], True),
        (lambda session, name: session.s3.delete_bucket_policy(Bucket=name), ["S3.5", "S3.6"], True),
        (lambda session, name: let_everybody_in(session), ["S3.6"], True),
        (lambda session, name: session.s3.delete_bucket_ownership_controls(Bucket=name), ["S3.12"], True),
        (lambda session, name: session.s3.delete_bucket_lifecycle(Bucket=name), ["S3.13"], True),
        (lambda session, name: stop_rotation(session), ["KMS.4"], True),
        (lambda session, name: open_the_key(session, {}), ["KMS.5"], False),
        (lambda session, name: open_the_key(session, {"StringEquals": {CALLER: "9" * 12}}), ["KMS.5"], False),
        (lambda session, name: open_the_key(session, {"StringNotEquals": {CALLER: MOTO_ACCOUNT}}), ["KMS.5"], False),
    ],
    ids=["public", "plain_http", "anybody", "acls", "for_ever", "old_key", "open_key", "their_key", "not_our_key"],
)
def test_each_is_noticed_and_put_right(
    loosen: Callable[[Session, str], object], noticed: list[str], mended: bool, aws_session: Session
) -> None:
    """The check sees it, and the next plan or apply puts it right; only the key's policy is left to people."""
    bucket = StateBucket(aws_session)
    bucket.ensure()
    loosen(aws_session, aws_session.environment.state_bucket)
    assert noticed == broken(aws_session)
    bucket.ensure()
    assert ([] if mended else noticed) == broken(aws_session)
