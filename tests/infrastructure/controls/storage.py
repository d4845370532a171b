"""S3, KMS and Secrets Manager."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence

from tests.infrastructure.controls import control, each
from tests.infrastructure.controls.found import Found, flat

ACCESS_BLOCK = "aws_s3_bucket_public_access_block"
ACCOUNT = "123456789012"
"""Of all plans here, and of moto."""
LOGGING = "aws_s3_bucket_logging"
BLOCKS = ("block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets")
FORBIDDEN = {
    *("s3:DeleteBucketPolicy", "s3:PutBucketAcl", "s3:PutBucketPolicy", "s3:PutEncryptionConfiguration"),
    "s3:PutObjectAcl",
}
"""What S3.6 lets no other account do."""
DECRYPTING = r'"kms:(\*|Decrypt|ReEncrypt\*|ReEncryptFrom)"'


def each_bucket(things: Sequence[Found], kind: str, holds: Callable[[Found], bool]) -> Iterator[str]:
    """Name the buckets that have no resource of `kind` for which `holds` is true."""
    for bucket in (found for found in things if found.kind == "aws_s3_bucket"):
        own = [
            found
            for found in things
            if (found.kind, found.module, found.key) == (kind, bucket.module, bucket.key) and _is_for(found, bucket)
        ]
        if not any(holds(found) for found in own):
            yield bucket.where


def _is_for(found: Found, bucket: Found) -> bool:
    """In a plan module and key say it; before, it is for all that its for_each names."""
    named = str(found.values.get("for_each", found.values["bucket"]))
    return found.planned or f"aws_s3_bucket.{bucket.name}" in named


def closed(found: Found) -> bool:
    """Whether all four blocks are up."""
    return all(found.values.get(block) is True for block in BLOCKS)


def public_acls(things: Sequence[Found], *acls: str) -> list[str]:
    """Name what makes a bucket or an object public."""
    return [found.where for found in things if found.is_("acl", *acls)]


def blocked(things: Sequence[Found], block: str) -> list[str]:
    """Name the buckets for which this block is not up."""
    return list(each_bucket(things, ACCESS_BLOCK, lambda found: found.values.get(block) is True))


@control("S3.1")
def closed_account(things: Sequence[Found]) -> list[str]:
    """No bucket of the account can become public."""
    return each(things, "aws_s3_account_public_access_block", closed)


@control("S3.2")
def not_read_by_all(things: Sequence[Found]) -> list[str]:
    """Nobody outside can read a bucket."""
    reading = public_acls(things, "public-read", "public-read-write", "authenticated-read")
    return reading + blocked(things, "ignore_public_acls")


@control("S3.3")
def not_written_by_all(things: Sequence[Found]) -> list[str]:
    """Nobody outside can write to a bucket."""
    return public_acls(things, "public-read-write") + blocked(things, "block_public_policy")


@control("S3.5")
def tls_only(things: Sequence[Found]) -> Iterator[str]:
    """Buckets refuse plain HTTP."""
    wanted = ('Effect="Deny"', 'aws:SecureTransport="false"')
    return each_bucket(
        things, "aws_s3_bucket_policy", lambda found: all(part in found.text("policy") for part in wanted)
    )


@control("S3.6")
def no_other_account(things: Sequence[Found]) -> list[str]:
    """Bucket policies let in services only, and none of them do what changes a bucket."""

    def lets_in_services(text: str) -> bool:
        principals = re.findall(r'Effect="Allow",\s*Principal=(.{0,10})', text, re.DOTALL)
        allowed = re.findall(r'"(s3:\w+)"', text) if principals else []
        return all(who.startswith("{Service=") for who in principals) and not set(allowed) & FORBIDDEN

    # Before they are planned, what others may do is handed to modules/buckets from locals.
    handed = [found.where for found in things if found.kind == "local" and not lets_in_services(found.text("value"))]
    return handed + each(things, "aws_s3_bucket_policy", lambda found: lets_in_services(found.text("policy")))


@control("S3.8")
def closed_buckets(things: Sequence[Found]) -> Iterator[str]:
    """Every bucket blocks public access in all four ways."""
    return each_bucket(things, ACCESS_BLOCK, closed)


@control("S3.9")
def requests_logged(things: Sequence[Found]) -> Iterator[str]:
    """Every bucket logs who reads and writes what; the state's, which the deployer makes, where the others stand."""
    yield from each_bucket(things, LOGGING, lambda found: bool(found.values.get("target_bucket")))
    buckets = [found for found in things if found.kind == "aws_s3_bucket"]
    places = {
        f"{found.module.split(':')[0]}:module.storage" if found.planned else "modules/storage" for found in buckets
    }
    logged = {found.module for found in things if (found.kind, found.name) == (LOGGING, "state")}
    yield from (f"{place} state" for place in sorted(places - logged))


@control("S3.12")
def no_acls(things: Sequence[Found]) -> Iterator[str]:
    """Access is a matter of policies alone."""
    return each_bucket(
        things,
        "aws_s3_bucket_ownership_controls",
        lambda found: [rule.get("object_ownership") for rule in found.blocks("rule")] == ["BucketOwnerEnforced"],
    )


@control("S3.13")
def lifecycle(things: Sequence[Found]) -> Iterator[str]:
    """Old versions and unfinished uploads go."""
    return each_bucket(
        things,
        "aws_s3_bucket_lifecycle_configuration",
        lambda found: any(
            rule.get("status") == "Enabled" and rule.get("noncurrent_version_expiration")
            for rule in found.blocks("rule")
        ),
    )


def statements(found: Found) -> list[str]:
    """A policy's statements as texts, wherever it comes from."""
    policy = str(found.values.get("policy") or "")
    if policy.startswith("{"):
        return [flat(json.dumps(statement)) for statement in json.loads(policy)["Statement"]]
    return re.split(r"\bSid=", found.text("policy"))


def decrypting_all(things: Sequence[Found], *kinds: str) -> list[str]:
    """Name the policies that may decrypt with every key."""
    return [
        found.where
        for found in things
        if found.kind in kinds
        for statement in statements(found)
        if re.search(DECRYPTING, statement) and re.search(r'Resource=\[?"\*"', statement)
    ]


@control("KMS.1")
def managed_policies(things: Sequence[Found]) -> list[str]:
    """No managed policy of ours may decrypt with every key."""
    return decrypting_all(things, "aws_iam_policy")


@control("KMS.2")
def inline_policies(things: Sequence[Found]) -> list[str]:
    """No role's own policy may decrypt with every key."""
    return decrypting_all(things, "aws_iam_role_policy", "aws_iam_user_policy", "aws_iam_group_policy")


@control("KMS.3")
def keys_stay(things: Sequence[Found]) -> list[str]:
    """A key that somebody deletes can be brought back for 30 days."""
    expression = "${max(7, var.recovery_window_days)}"
    return each(things, "aws_kms_key", lambda found: found.is_("deletion_window_in_days", 30, expression))


@control("KMS.4")
def rotated(things: Sequence[Found]) -> list[str]:
    """Keys are rotated."""
    return each(things, "aws_kms_key", lambda found: found.is_("enable_key_rotation", True))


@control("KMS.5")
def not_public(things: Sequence[Found]) -> Iterator[str]:
    """No key is open to everybody: who is not named has to belong to this account."""
    everybody = r'Principal=("\*"|\{AWS=\[?"\*")'
    of_one_account = rf'StringEquals=\{{[^}}]*kms:CallerAccount="{ACCOUNT}"'
    for found in (found for found in things if found.kind in ("aws_kms_key", "aws_kms_key_policy")):
        said = statements(found)
        if any(re.search(everybody, one) and not re.search(of_one_account, one) for one in said):
            yield found.where


@control("SecretsManager.1")
def passwords_rotated(things: Sequence[Found]) -> Iterator[str]:
    """The database's password is RDS's own, which rotates it; no other secret has anything that could."""
    managed = (True, "${var.rotation_days == null ? null : true}")
    yield from each(things, "aws_db_instance", lambda found: found.is_("manage_master_user_password", *managed))
    yield from (found.where for found in things if found.kind == "aws_secretsmanager_secret")


@control("SecretsManager.4")
def rotated_in_time(things: Sequence[Found]) -> list[str]:
    """What is rotated is so within 90 days."""

    def in_time(found: Found) -> bool:
        days = [rules.get("automatically_after_days") for rules in found.blocks("rotation_rules")]
        return len(days) == 1 and (days[0] == "${var.rotation_days}" or (type(days[0]) is int and days[0] <= 90))

    return each(things, "aws_secretsmanager_secret_rotation", in_time)


@control("SecretsManager.3")
def used(things: Sequence[Found]) -> Iterator[str]:
    """Every secret is handed to a task: a module's secret that the topology does not name is used by nobody."""
    topology = " ".join(str(found.values["value"]) for found in things if found.kind == "local" and found.module == ".")
    for found in things:
        if found.kind == "output" and found.name.endswith("_secret_arn") and f".{found.name}" not in topology:
            yield found.where
