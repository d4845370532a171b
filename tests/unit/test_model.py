"""The nouns: small facts, and a secret that keeps itself."""

from __future__ import annotations

import copy
import dataclasses
import json
import pickle
import traceback
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from deployer import model
from deployer.model import Change, Color, Image, Plan, Record, Secret, Verdict
from tests import examples

HIDDEN = "hunter2"
SECRET = Secret(HIDDEN)


@dataclass(frozen=True)
class Login:
    """Something that holds a secret."""

    user: str
    password: Secret


LOGIN = Login("somebody", SECRET)


@pytest.mark.parametrize(
    "told",
    [
        repr(SECRET),
        str(SECRET),
        f"{SECRET}",
        f"{SECRET!r}",
        repr(LOGIN),
        json.dumps({"a": SECRET}, default=str),
        str(dataclasses.asdict(LOGIN)),
        json.dumps(dataclasses.asdict(LOGIN), default=str),
        str(copy.deepcopy(SECRET)),
    ],
)
def test_a_secret_redacts_itself(told: str) -> None:
    """Wherever it is written without asking for it."""
    assert (False, True) == (HIDDEN in told, "***" in told)


def test_a_secret_stays_out_of_tracebacks() -> None:
    """Also of those that show local variables."""

    def use(password: Secret) -> None:
        int(repr(password))

    with pytest.raises(ValueError, match="invalid literal") as caught:
        use(SECRET)
    told = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())

    assert (False, True) == (HIDDEN in told, "password = Secret(***)" in told)


def test_a_secret_is_not_pickled() -> None:
    """It would lie in a file."""
    with pytest.raises(TypeError, match="not written to a file"):
        pickle.dumps(SECRET)


def test_a_secret_can_be_used() -> None:
    """For the one call that needs it, and in comparisons."""
    assert HIDDEN == SECRET.reveal()
    assert Secret(HIDDEN) == SECRET
    assert Secret("other") != SECRET
    assert HIDDEN != SECRET
    assert 1 == len({SECRET, Secret(HIDDEN)})


def test_each_color_has_an_other() -> None:
    """And the other of the other is the one."""
    assert (Color.GREEN, Color.BLUE) == (Color.BLUE.other, Color.GREEN.other)


def test_names_of_an_environment() -> None:
    """What its resources start with, and what the deployer itself makes and reads."""
    names = (
        examples.ENVIRONMENT.prefix,
        examples.ENVIRONMENT.state_bucket,
        examples.ENVIRONMENT.topology_parameter,
    )

    assert ("indivillage-dev", "indivillage-dev-state-000000000000", "/indivillage/dev/topology") == names


def test_names_of_a_stand_in() -> None:
    """Those of the lost region stay taken: none of them is used again."""
    lost = replace(examples.ENVIRONMENT, short_name="prod")
    stand_in = replace(lost, stand_in=True)

    names = (stand_in.prefix, stand_in.state_bucket, stand_in.topology_parameter)

    assert ("indivillage-prod2", "indivillage-prod2-state-000000000000", "/indivillage/prod2/topology") == names
    assert set() == {lost.prefix, lost.state_bucket, lost.topology_parameter} & set(names)


def test_a_bucket_name_fits_s3() -> None:
    """At most 63 characters, for the longest environment name too."""
    longest = replace(examples.ENVIRONMENT, short_name="staging", account_id="9" * 12, stand_in=True)

    assert len(longest.state_bucket) <= 63


def test_a_release_id_is_in_utc() -> None:
    """Whatever clock it was read from, so that ids sort by time."""
    at = datetime(2026, 1, 2, 1, 0, 0, tzinfo=timezone(timedelta(hours=5, minutes=30)))

    assert "prod-20260101T193000Z-abcdefa" == model.release_id("prod", at, "abcdefabcdef")


def test_a_plan_without_changes_is_empty() -> None:
    """Then there is nothing to apply."""
    plans = (Plan(Path("x"), "abc", ()), Plan(Path("x"), "abc", (Change("create", "a"),)))

    assert [True, False] == [plan.empty for plan in plans]


def test_a_plan_names_what_would_be_lost() -> None:
    """What ends without holding data is no loss."""
    changes = (Change("delete", "a"), Change("replace", "b", loses_data=True), Change("update", "c"))

    assert ("b",) == Plan(Path("x"), "abc", changes).losses
    assert [True, True, False] == [change.ends for change in changes]


def test_what_containers_say_they_are() -> None:
    """A rollback runs the task definitions of the release that it restores."""
    release = examples.release()

    assert (release.id, "old") == (release.serves, replace(release, restores="old").serves)


def test_a_record_holds_what_history_tells() -> None:
    """Digests instead of images; nothing of how it was built."""
    images = {"backend": Image("backend", "indivillage/backend", "sha256:abc", ("dev-latest",))}
    release = replace(
        examples.release(),
        images=images,
        task_definitions={"backend": "arn:b"},
        migration_head="0001",
        plan_sha256="def",
    )
    ended = datetime(2026, 3, 4, 6, 0, tzinfo=UTC)

    record = Record.of(release, Verdict.GOOD, ended_at=ended, reason="because", stages=({"name": "lint"},))

    assert (release.id, release.commit, "deploy") == (record.release, record.commit, record.kind)
    assert (Verdict.GOOD, ended, "because") == (record.outcome, record.ended_at, record.reason)
    assert ({"backend": "sha256:abc"}, {"backend": "arn:b"}) == (record.digests, record.task_definitions)
    assert ("0001", "def", ({"name": "lint"},)) == (record.migration_head, record.plan_sha256, record.stages)


def test_a_record_of_intent_has_no_end() -> None:
    """What a run that was cut off leaves behind."""
    record = Record.of(examples.release())

    assert (None, None, "") == (record.outcome, record.ended_at, record.reason)


@pytest.mark.parametrize(
    "kind",
    [kind for kind in vars(model).values() if dataclasses.is_dataclass(kind) and kind.__module__ == model.__name__],
)
def test_every_noun_is_a_value(kind: type) -> None:
    """Nobody changes a release in passing: frozen, and no attribute can be added."""
    parameters = vars(kind)["__dataclass_params__"]

    assert parameters.frozen
    assert "__slots__" in vars(kind)
