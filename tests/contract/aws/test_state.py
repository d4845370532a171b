"""The state bucket, the ledger and the topology parameter."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from deployer.aws import state_key
from deployer.aws.ledger import S3Ledger
from deployer.aws.state_bucket import BLOCKED, RULES, StateBucket, tls_only_policy
from deployer.aws.state_key import StateKey
from deployer.aws.topology import StoredTopology, parse
from deployer.errors import InputError
from deployer.model import Record, Verdict
from tests.unit.aws import values

if TYPE_CHECKING:
    from deployer.aws.session import Session
    from deployer.model import Topology


def record(number: int, outcome: Verdict | None = Verdict.GOOD) -> Record:
    """Return the record of the release that began `number` minutes after the first."""
    started = values.STARTED + timedelta(minutes=number)
    return Record(
        release=f"dev-20260102T03{4 + number:02d}05Z-0123456",
        environment="development",
        commit=values.COMMIT,
        kind="deploy",
        restores="",
        outcome=outcome,
        started_at=started,
        ended_at=started + timedelta(seconds=30) if outcome else None,
        actor="somebody@example.com",
        digests={"frontend": "sha256:aa"},
        task_definitions={"frontend": "arn:1"},
        plan_sha256="p",
        config_hash="c",
        migration_head="m",
        reason="",
        stages=({"name": "lint", "status": "ok", "duration_s": 1.5},),
    )


def usable_bucket(session: Session) -> None:
    """Make the state bucket. moto refuses every request by the TLS-only policy: it does not read the condition."""
    StateBucket(session).ensure()
    if session.environment.cloud == "aws":
        session.s3.delete_bucket_policy(Bucket=session.environment.state_bucket)


def test_the_bucket_is_made_once_and_then_only_read(session: Session) -> None:
    """The first command makes it; later ones find it right and write nothing."""
    bucket = StateBucket(session)
    made = bucket.ensure()
    assert {"bucket", "versioning", "public access block", "lifecycle"} <= set(made)
    assert ("encryption" in made) >= session.secure  # the local cloud's buckets begin with the right one
    before = dict(session.calls)
    assert bucket.ensure() == ()
    asked = {name for name, count in session.calls.items() if count > before.get(name, 0)}
    assert {name.split(".")[1][:3] for name in asked} <= {"Hea", "Get", "Des"}
    assert sum(session.calls.values()) - sum(before.values()) <= (9 if session.secure else 7)


def test_the_bucket_is_versioned_encrypted_and_private(session: Session) -> None:
    """What Terraform's state needs, read back from S3."""
    StateBucket(session).ensure()
    name = session.environment.state_bucket
    assert session.s3.get_bucket_versioning(Bucket=name)["Status"] == "Enabled"
    assert session.s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"] == BLOCKED
    (rule,) = session.s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"]
    how = rule["ApplyServerSideEncryptionByDefault"]
    if session.environment.cloud == "local":
        assert how["SSEAlgorithm"] == "AES256"
        return
    key = session.kms.describe_key(KeyId=session.environment.state_key_alias)["KeyMetadata"]
    assert (how["SSEAlgorithm"], how.get("KMSMasterKeyID"), rule.get("BucketKeyEnabled")) == (
        "aws:kms",
        key["Arn"],
        True,
    )
    assert session.kms.get_key_rotation_status(KeyId=key["KeyId"])["KeyRotationEnabled"]
    written = json.loads(session.kms.get_key_policy(KeyId=key["KeyId"], PolicyName="default")["Policy"])
    assert written == state_key.policy(session.environment.account_id, session.environment.region)
    tags = session.kms.list_resource_tags(KeyId=key["KeyId"])["Tags"]
    assert session.environment.tags == {tag["TagKey"]: tag["TagValue"] for tag in tags}


def test_bucket_and_key_are_tagged_as_terraforms_resources_are(session: Session) -> None:
    """By an apply, and when the tags have changed again; what somebody else tagged the bucket with stays."""
    usable_bucket(session)
    bucket, name = StateBucket(session), session.environment.state_bucket
    assert "bucket" in bucket.tag()
    assert bucket.tag() == ()
    theirs = [*session.s3.get_bucket_tagging(Bucket=name)["TagSet"], {"Key": "theirs", "Value": "kept"}]
    session.s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": theirs})

    moved = {**session.environment.tags, "version": "9.9.9"}
    session.environment = replace(session.environment, tags=moved)
    assert bucket.tag() == ("bucket", *(("key",) if session.secure else ()))
    found = {tag["Key"]: tag["Value"] for tag in session.s3.get_bucket_tagging(Bucket=name)["TagSet"]}
    assert {**moved, "theirs": "kept"} == found
    if session.secure:
        key = session.kms.describe_key(KeyId=session.environment.state_key_alias)["KeyMetadata"]["KeyId"]
        tags = session.kms.list_resource_tags(KeyId=key)["Tags"]
        assert moved == {tag["TagKey"]: tag["TagValue"] for tag in tags}


def test_old_versions_end(session: Session) -> None:
    """A versioned bucket keeps everything otherwise: each renewal of the lease, each state there ever was."""
    StateBucket(session).ensure()
    answer = session.s3.get_bucket_lifecycle_configuration(Bucket=session.environment.state_bucket)
    assert {rule["ID"]: rule["Status"] for rule in answer["Rules"]} == dict.fromkeys(
        ("old-leases", "old-journals", "old-states", "old-records", "unfinished-uploads"), "Enabled"
    )
    states = next(rule for rule in answer["Rules"] if rule["ID"] == "old-states")
    assert states["NoncurrentVersionExpiration"]["NoncurrentDays"] == 90


def test_what_somebody_loosened_is_tightened_again(session: Session) -> None:
    """Each aspect is judged by itself."""
    bucket = StateBucket(session)
    bucket.ensure()
    session.s3.put_public_access_block(
        Bucket=session.environment.state_bucket,
        PublicAccessBlockConfiguration=dict.fromkeys(BLOCKED, False),  # type: ignore[arg-type]
    )
    assert bucket.ensure() == ("public access block",)
    rules = [{**rule, "Status": "Disabled"} for rule in RULES]
    session.s3.put_bucket_lifecycle_configuration(
        Bucket=session.environment.state_bucket,
        LifecycleConfiguration={"Rules": rules},  # type: ignore[typeddict-item]
    )
    assert bucket.ensure() == ("lifecycle",)
    session.s3.put_bucket_versioning(
        Bucket=session.environment.state_bucket, VersioningConfiguration={"Status": "Suspended"}
    )
    assert bucket.ensure() == ("versioning",)
    assert bucket.ensure() == ()


def test_another_encryption_is_put_right(session: Session) -> None:
    """On AWS by the key of the environment's own, and that key is rotated."""
    bucket = StateBucket(session)
    bucket.ensure()
    if not session.secure:
        return
    name, alias = session.environment.state_bucket, session.environment.state_key_alias
    if session.environment.cloud == "aws":
        session.s3.delete_bucket_policy(Bucket=name)  # moto reads no conditions
    rule: Any = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    session.s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": [rule]})
    assert bucket.ensure() == ("encryption", "TLS-only policy")
    key = session.kms.describe_key(KeyId=alias)["KeyMetadata"]["KeyId"]
    session.kms.disable_key_rotation(KeyId=key)
    assert bucket.ensure() == ("encryption",)
    assert bucket.ensure() == ()


def test_two_first_commands_agree_on_one_key(session: Session) -> None:
    """Whoever names its key second throws it away and takes the other's."""
    if not session.secure:
        return
    first, _ = StateKey(session).ensure()
    slow: Any = StateKey(session)
    assert first == slow._create("naming it second")
    keys = [session.kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"] for key in session.kms.list_keys()["Keys"]]
    assert sorted(key["KeyState"] for key in keys) == ["Enabled", "PendingDeletion"]


def test_plain_http_is_refused_wherever_there_is_tls(session: Session) -> None:
    """On AWS the policy denies requests without TLS; the local cloud has none and would lock everybody out."""
    StateBucket(session).ensure()
    name = session.environment.state_bucket
    if session.environment.cloud == "local":
        with pytest.raises(session.s3.exceptions.ClientError, match="NoSuchBucketPolicy"):
            session.s3.get_bucket_policy(Bucket=name)
        return
    assert tls_only_policy(name) == json.loads(session.s3.get_bucket_policy(Bucket=name)["Policy"])


def test_a_state_is_known_by_lineage_and_serial(session: Session) -> None:
    """Without bucket, without object, and when it is no state, nothing is known of it."""
    bucket = StateBucket(session)
    assert bucket.serial("terraform.tfstate") == ""
    usable_bucket(session)
    assert bucket.serial("terraform.tfstate") == ""

    def known(body: str) -> str:
        name = session.environment.state_bucket
        session.s3.put_object(Bucket=name, Key="terraform.tfstate", Body=body.encode())
        return bucket.serial("terraform.tfstate")

    assert known('{"version": 4, "serial": 7, "lineage": "abc"}') == "abc/7"
    assert known('{"version": 4, "serial": 8, "lineage": "abc"}') == "abc/8"
    assert [known(body) for body in ("", "{", "[]", '{"serial": 7}')] == ["", "", "", ""]


def test_a_ledger_without_a_bucket_is_an_empty_history(session: Session) -> None:
    """`inv history` of an environment that was never deployed is no error."""
    assert S3Ledger(session).history() == ()
    assert S3Ledger(session).find("dev-20260102T030405Z-0123456") is None


def test_one_record_is_found_by_its_release(session: Session) -> None:
    """Without reading all the others."""
    usable_bucket(session)
    ledger = S3Ledger(session)
    ledger.write(record(0))
    ledger.write(record(1))
    before = sum(session.calls.values())
    assert record(1) == ledger.find(record(1).release)
    assert ledger.find("dev-20260102T090909Z-0123456") is None
    assert sum(session.calls.values()) - before == 2


def test_records_come_back_as_written_newest_first(session: Session) -> None:
    """Every field survives, also of a release that has not ended."""
    usable_bucket(session)
    ledger = S3Ledger(session)
    records = [record(0), record(2, None), record(1, Verdict.ROLLED_BACK)]
    for written in records:
        ledger.write(written)
    assert (records[1], records[2], records[0]) == ledger.history()


def test_a_record_is_replaced_when_its_release_ends(session: Session) -> None:
    """One object a release: begun, then ended."""
    usable_bucket(session)
    ledger = S3Ledger(session)
    ledger.write(record(0, None))
    ledger.write(record(0, Verdict.FAILED))
    assert (record(0, Verdict.FAILED),) == ledger.history()


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"schema_version": 1}', b'{"release": "x"}', b"\xff\xfe"])
def test_a_damaged_record_is_listed_as_damaged_and_hides_no_other(session: Session, body: bytes) -> None:
    """It has no outcome, so nothing rolls back to it, and its reason says where to look."""
    usable_bucket(session)
    ledger = S3Ledger(session)
    ledger.write(record(0))
    key = "ledger/dev-20260102T030905Z-7654321.json"
    session.s3.put_object(Bucket=session.environment.state_bucket, Key=key, Body=body)
    history = ledger.history()
    damaged = next(r for r in history if r.release == "dev-20260102T030905Z-7654321")
    assert len(history) == 2
    assert record(0) in history
    assert damaged.outcome is None
    assert key in damaged.reason


def test_an_environment_never_applied_says_so(session: Session) -> None:
    """The hint is the command that mends it."""
    with pytest.raises(InputError) as caught:
        StoredTopology(session)()
    assert caught.value.hint == f"inv apply --env={session.environment.short_name}"


def test_the_topology_is_read_once(session: Session) -> None:
    """One call until it is forgotten; then, and by the next command, what was applied meanwhile is seen."""

    def apply(url: str) -> Topology:
        text = json.dumps(values.topology_document() | {"url": url})
        name = session.environment.topology_parameter
        session.ssm.put_parameter(Name=name, Value=text, Type="String", Overwrite=True, Tier="Advanced")
        return parse(text, name)

    first = apply("http://here")
    stored = StoredTopology(session)
    assert first == stored()
    second = apply("http://elsewhere")
    assert first == stored()
    assert session.calls["ssm.GetParameter"] == 1
    assert second == StoredTopology(session)()
    stored.forget()
    assert second == stored()
