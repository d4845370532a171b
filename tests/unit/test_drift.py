"""`inv drift`: the exit code, what people and programs read, and that nothing is touched."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from deployer import drift
from deployer.composition import Site
from deployer.errors import GateFailed, InputError
from deployer.model import Difference, Drift
from deployer.pipeline import Stop
from tests.examples import ENVIRONMENT, TOPOLOGY
from tests.fakes import Fakes

FOUND = Drift(
    (
        Difference("module.compute.aws_lb.public", "idle_timeout", "60", "60", "120"),
        Difference("module.compute.aws_lb.public", "tags.owner", '"us"', '"we"', '"them"'),
        Difference("module.storage.aws_s3_bucket.this", "", "there", "there", "gone"),
    ),
    pending=2,
)


@pytest.fixture
def composed(fakes: Fakes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, object]:
    """A world of fakes behind the command; returns how it was composed."""
    how: dict[str, object] = {}

    def compose(*_: object, **options: object) -> Site:
        how.update(options)
        return Site(fakes.world(tmp_path), lambda: TOPOLOGY, lambda: "http://dev", dict, lambda: None)

    monkeypatch.setattr(drift.config, "load", lambda *_: ENVIRONMENT)
    monkeypatch.setattr(drift, "compose", compose)
    monkeypatch.setattr(drift, "log_folder", lambda *_: tmp_path)
    monkeypatch.setattr(drift, "stop_for_run", Stop)
    return how


def run(*, as_json: bool = False) -> int:
    """`inv drift`."""
    return drift.drift("dev", cloud=None, as_json=as_json)


def test_without_drift_it_is_exit_0(
    fakes: Fakes, composed: dict[str, object], capsys: pytest.CaptureFixture[str]
) -> None:
    """It says so, takes no lease, plans and applies nothing, and makes no state bucket."""
    assert 0 == run()

    assert "no drift\n" == capsys.readouterr().out
    assert {"rehearsal": True} == composed
    assert [("prepare",), ("drift",)] == fakes.infrastructure.calls
    assert ([], []) == (fakes.lease.called("acquire"), fakes.ledger.called("write"))


def test_drift_is_exit_10_and_readable(
    fakes: Fakes, composed: dict[str, object], capsys: pytest.CaptureFixture[str]
) -> None:
    """Resource, attribute, what Terraform says, what the cloud says; what waits to be applied is told apart."""
    fakes.infrastructure.drifted = FOUND
    with pytest.raises(GateFailed, match="3 differences in 2 resources") as caught:
        run()
    told = capsys.readouterr()

    assert 10 == caught.value.exit_code
    assert [
        "module.compute.aws_lb.public",
        "    idle_timeout: Terraform 60, cloud 120",
        '    tags.owner: state "us", configuration "we", cloud "them"',
        "module.storage.aws_s3_bucket.this",
        "    it is gone from the cloud",
    ] == told.out.splitlines()
    assert "2 changes of the configuration wait, which are no drift" in told.err


def test_programs_get_one_object(fakes: Fakes, composed: dict[str, object], capsys: pytest.CaptureFixture[str]) -> None:
    """Whether there is any, or not."""
    assert 0 == run(as_json=True)
    empty = {"environment": "development", "drift": False, "differences": [], "pending": 0}
    assert empty == json.loads(capsys.readouterr().out)

    fakes.infrastructure.drifted = FOUND
    with pytest.raises(GateFailed):
        run(as_json=True)
    answer = json.loads(capsys.readouterr().out)
    assert (True, 3, 2) == (answer["drift"], len(answer["differences"]), answer["pending"])
    assert {
        "address": "module.compute.aws_lb.public",
        "attribute": "idle_timeout",
        "state": "60",
        "configuration": "60",
        "cloud": "120",
    } == answer["differences"][0]
    assert answer["differences"][2]["attribute"] is None


def test_what_only_waits_is_no_drift(
    fakes: Fakes, composed: dict[str, object], capsys: pytest.CaptureFixture[str]
) -> None:
    """A newer commit is not somebody's change around Terraform."""
    fakes.infrastructure.drifted = Drift((), pending=1)

    assert 0 == run()
    assert "no drift" in capsys.readouterr().out


def test_a_run_under_way_is_named(
    fakes: Fakes, composed: dict[str, object], capsys: pytest.CaptureFixture[str]
) -> None:
    """What it is changing may look like drift."""
    fakes.lease.lose("ann")

    assert 0 == run()
    assert "ann holds dev" in capsys.readouterr().err


def test_an_environment_that_was_never_applied_is_bad_input(fakes: Fakes, composed: dict[str, object]) -> None:
    """Exit 2, not a report without drift."""
    fakes.infrastructure.fail("drift", InputError("look for drift", "there is no state"))
    with pytest.raises(InputError, match="no state"):
        run()
