"""Terraform's machine-readable output becomes progress and errors of ours."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from deployer.errors import DeployError, GateFailed, Locked, ReleaseFailed, StateUncertain, Unreachable
from deployer.tools.process import Finished
from deployer.tools.terraform_output import Diagnostic, Output, failure, needs_init

LOCKED = """Error message: operation error S3: PutObject, https response error StatusCode: 412, PreconditionFailed
Lock Info:
  ID:        c0ffee00-1111-2222-3333-444455556666
  Path:      indivillage-dev-state-000000000000/terraform.tfstate
  Operation: OperationTypeApply
  Who:       ada@laptop
  Version:   1.11.4
  Created:   2026-01-02 03:04:05.678 +0000 UTC
  Info:      """


class Time:
    """A clock that a test moves."""

    now = 0.0

    def __call__(self) -> float:
        """Return the seconds so far."""
        return self.now


def event(kind: str, address: str = "aws_lb.public", action: str = "create") -> str:
    """Return one line of Terraform's output."""
    target = {"resource": {"addr": address}, "action": action}
    return json.dumps({"type": kind, "@message": f"{address} {kind}", "hook": target, "change": target})


def diagnostic(summary: str, severity: str = "error", **more: object) -> str:
    """Return one diagnostic as Terraform prints it."""
    body = {"severity": severity, "summary": summary, **more}
    return json.dumps({"type": "diagnostic", "@message": f"{severity.title()}: {summary}", "diagnostic": body})


def mapped(
    summary: str, detail: str = "", *, applying: bool = False, address: str = "", place: str = ""
) -> DeployError:
    """Return the error that one diagnostic becomes."""
    finished = Finished(("terraform",), 1, (), 1.0, log=Path("x.log"))
    diagnostics = [Diagnostic(summary, detail, address, place)]
    return failure("do it", diagnostics, finished, unlock="terraform force-unlock", applying=applying)


def test_progress_is_told_every_few_seconds() -> None:
    """The longest running change, how many are done of how many; not a line for each."""
    said: list[str] = []
    time = Time()
    output = Output(said.append, every_s=3, monotonic=time)
    for name in ("a", "b", "c"):
        output.hear(event("planned_change", name))
    output.hear(event("apply_start", "a"))
    output.hear(event("apply_start", "b"))
    time.now = 2.9
    output.hear(event("apply_progress", "a"))
    assert [] == said
    time.now = 4.0
    output.hear(event("apply_complete", "b"))
    time.now = 5.0
    output.hear(event("apply_start", "c"))
    time.now = 20.0
    output.hear(event("apply_progress", "a"))

    assert ["1/3 done; a: creating… 4 s", "1/3 done; a: creating… 20 s and 1 more"] == said


def test_reading_is_progress_too() -> None:
    """A plan that refreshes for long says so."""
    said: list[str] = []
    time = Time()
    output = Output(said.append, every_s=3, monotonic=time)
    output.hear(event("refresh_complete"))
    time.now = 3.5
    output.hear(event("refresh_complete"))

    assert ["resources read: 2"] == said


def test_errors_are_collected_and_warnings_are_not() -> None:
    """Where and why, of errors only."""
    output = Output(lambda _: None)
    place = {"filename": "main.tf", "start": {"line": 7, "column": 1}}
    output.hear(diagnostic("Deprecated", severity="warning"))
    output.hear(diagnostic("Bad", detail="because", address="aws_lb.a", range=place))

    assert [Diagnostic("Bad", "because", "aws_lb.a", "main.tf:7")] == output.errors


@pytest.mark.parametrize("line", ["", "plain words", "{not json", '["list"]', '{"type": "unknown"}'])
def test_other_lines_do_no_harm(line: str) -> None:
    """Whatever else Terraform prints goes to the log as it is."""
    output = Output(lambda _: None)
    output.hear(line)

    assert line == output.render(line)


def test_log_lines_are_readable() -> None:
    """The log has messages, not JSON."""
    assert "aws_lb.public apply_start" == Output(lambda _: None).render(event("apply_start"))
    rendered = Output(lambda _: None).render(diagnostic("Bad", detail="because\n\nof this"))
    assert "Error: Bad\nBad\n  because\n  of this" == rendered


def test_lock_names_holder_time_and_key() -> None:
    """Who, since when, what for, and how to break it."""
    error = mapped("Error acquiring the state lock", LOCKED)

    assert isinstance(error, Locked)
    assert "the state is locked by ada@laptop since 2026-01-02 03:04:05.678 +0000 UTC" == error.seen
    assert "OperationTypeApply" in error.hint
    assert error.hint.endswith("terraform force-unlock c0ffee00-1111-2222-3333-444455556666")


def test_lock_that_could_not_be_asked_for_is_out_of_reach() -> None:
    """The same summary without a holder is no lock of somebody else."""
    assert isinstance(
        mapped("Error acquiring the state lock", "dial tcp 127.0.0.1:4566: connection refused"), Unreachable
    )


@pytest.mark.parametrize(
    ("detail", "hint"),
    [
        ("dial tcp 127.0.0.1:4566: connect: connection refused", "inv cloud.up"),
        ("could not connect to registry.terraform.io: no such host", "TF_PLUGIN_MIRROR"),
        ("operation error STS: ExpiredToken: the security token is expired", "log in to AWS"),
    ],
)
@pytest.mark.parametrize("applying", [True, False])
def test_out_of_reach(detail: str, hint: str, applying: bool) -> None:
    """What could not be reached, and what to do."""
    error = mapped("Failed", detail, applying=applying)

    assert isinstance(error, Unreachable)
    assert hint in error.hint


def test_too_old_terraform_for_the_configuration() -> None:
    """The configuration asks for a newer Terraform than there is."""
    error = mapped("Unsupported Terraform Core version", "This configuration does not support 1.9.0.")

    assert isinstance(error, Unreachable)
    assert "install the Terraform version" in error.hint


def test_configuration_error_is_a_gate() -> None:
    """Before anything is changed: file, line, summary, reason."""
    error = mapped("Unsupported argument", "An argument named x is not expected here.", place="main.tf:3")

    assert isinstance(error, GateFailed)
    assert "main.tf:3: Unsupported argument: An argument named x is not expected here." == error.seen


def test_failed_apply_is_a_failed_release() -> None:
    """While applying: the resource and the reason, and that it can go on."""
    error = mapped("creating bucket", "BucketAlreadyExists", applying=True, address="aws_s3_bucket.forms")

    assert isinstance(error, ReleaseFailed)
    assert "aws_s3_bucket.forms: creating bucket: BucketAlreadyExists" == error.seen
    assert "run it again" in error.hint


def test_unsaved_state_pages_someone() -> None:
    """Changes that the state does not know are not to be shrugged off."""
    assert isinstance(mapped("Failed to save state", "see errored.tfstate", applying=True), StateUncertain)


def test_stale_plan_changes_nothing() -> None:
    """Terraform itself refuses it before the first change."""
    assert isinstance(mapped("Saved plan is stale", applying=True), GateFailed)


def test_without_diagnostics_the_last_line_speaks() -> None:
    """Terraform that dies without a word of JSON is still quoted."""
    finished = Finished(("terraform",), 2, ("one", "panic: oops"), 1.0)
    error = failure("do it", [], finished, unlock="x")

    assert "panic: oops" == error.seen
    assert ("one", "panic: oops") == error.details


@pytest.mark.parametrize(
    "summary", ['Backend initialization required, please run "terraform init"', "Module not installed"]
)
def test_init_is_asked_for(summary: str) -> None:
    """Terraform's request for init is understood."""
    assert needs_init([Diagnostic(summary)])
    assert not needs_init([Diagnostic("Unsupported argument")])
