"""What checkov says of the Terraform files with each environment's tfvars, as on AWS: nothing, and nothing in silence.

In a session of its own (`nox -s checkov`), because checkov pins boto3. It runs offline: it is told to download nothing,
and what it tried all the same would end at a closed port.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
CONFIGURATION = ROOT / "infrastructure" / "terraform"
ENVIRONMENTS = sorted(file.parent.name for file in CONFIGURATION.glob("environments/*/terraform.tfvars"))
NOWHERE = "http://127.0.0.1:9"

SKIP = re.compile(r"^[ \t]*#checkov:skip=(CKV2?_[A-Z]+_\d+):(\S.{19,})$")
"""A suppression as it has to be: on a line of its own, one check, and twenty characters of reason at least."""
MENTIONED = re.compile(r"(checkov|bridgecrew|cortex)\s*:\s*skip", re.IGNORECASE)
ELSEWHERE = (".checkov.yaml", ".checkov.yml", ".checkov.baseline")
"""Where checkov would find suppressions besides: https://www.checkov.io/2.Basics/Suppressing%20and%20Skipping%20Policies.html"""


def judge(folder: Path, environment: str, cwd: Path) -> Mapping[str, Any]:
    """What checkov says of `folder` with the tfvars of `environment`; it reads no configuration but its arguments."""
    aws = cwd / "aws.tfvars"
    aws.write_text('cloud = "aws"\n', encoding="utf-8")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CKV", "BC_", "PRISMA"))}
    program = Path(sys.executable).with_name("checkov")
    variables = [f"--var-file={folder / 'environments' / environment / 'terraform.tfvars'}", f"--var-file={aws}"]
    options = ["--framework=terraform", "--skip-download", "--compact", "--output=json"]
    finished = subprocess.run(
        [program, f"--directory={folder}", *options, *variables],
        cwd=cwd,
        env=kept | {"HTTPS_PROXY": NOWHERE, "HTTP_PROXY": NOWHERE, "LOG_LEVEL": "ERROR"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode in (0, 1), finished.stderr[-2000:]
    return dict(json.loads(finished.stdout))


def found(report: Mapping[str, Any], kind: str = "failed_checks") -> list[str]:
    """Every finding in a line: `CKV_AWS_2 modules/compute/main.tf aws_lb_listener.internal: what it asks for`."""
    return sorted(
        f"{check['check_id']} {check['file_path'].lstrip('/')} {check['resource']}: {check['check_name']}"
        for check in report["results"][kind]
    )


def skips(text: str) -> tuple[list[str], list[str]]:
    """The checks that a file's text suppresses, and the lines that suppress one without saying why."""
    lines = [line for line in text.splitlines() if MENTIONED.search(line)]
    said = [match[1] for line in lines if (match := SKIP.match(line))]
    return said, [line for line in lines if not SKIP.match(line)]


def copied(to: Path) -> Path:
    """The configuration without any suppression."""
    copy = to / "terraform"
    shutil.copytree(CONFIGURATION, copy, ignore=shutil.ignore_patterns(".terraform", "*.tfstate*"))
    for file in copy.rglob("*.tf"):
        lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
        file.write_text("".join(line for line in lines if not MENTIONED.search(line)), encoding="utf-8")
    return copy


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_nothing_is_found(environment: str, tmp_path: Path) -> None:
    """Whatever checkov asks for is there, or its absence is explained where it is."""
    report = judge(CONFIGURATION, environment, tmp_path)
    assert found(report) == []
    assert report["summary"]["parsing_errors"] == 0
    assert report["summary"]["passed"] > 200


def test_every_suppression_is_needed(tmp_path: Path) -> None:
    """Without them checkov finds exactly what they excuse: one that excuses nothing would hide the next fault.

    In development, where all are needed: what differs between environments is smaller there.
    """
    report = judge(copied(tmp_path), "development", tmp_path)
    without = {(check["file_path"].lstrip("/"), check["check_id"]) for check in report["results"]["failed_checks"]}
    excused = {
        (str(file.relative_to(CONFIGURATION)), check)
        for file in CONFIGURATION.rglob("*.tf")
        for check in skips(file.read_text(encoding="utf-8"))[0]
    }
    assert excused == without


def test_every_suppression_says_why() -> None:
    """One of the right form, or none: neither in silence nor in a file that nobody looks at."""
    silent = {
        str(file.relative_to(ROOT)): lines
        for file in CONFIGURATION.rglob("*.tf*")
        if ".terraform" not in file.parts and (lines := skips(file.read_text(encoding="utf-8"))[1])
    }
    assert silent == {}
    assert [name for name in ELSEWHERE if (ROOT / name).exists() or list(CONFIGURATION.rglob(name))] == []


@pytest.mark.parametrize(
    "line",
    [
        "  #checkov:skip=CKV_AWS_2",
        "  #checkov:skip=CKV_AWS_2:",
        "  #checkov:skip=CKV_AWS_2:later",
        "  #checkov:skip=CKV_AWS_2:                          ",
        "  # checkov:skip=CKV_AWS_2: it speaks HTTP within the VPC",
        "  #bridgecrew:skip=CKV_AWS_2:it speaks HTTP within the VPC",
        "  port = 80 #checkov:skip=CKV_AWS_2:it speaks HTTP within the VPC",
        "  #checkov:skip=CKV_AWS_2,CKV_AWS_103:it speaks HTTP within the VPC",
    ],
)
def test_a_suppression_without_a_reason_is_refused(line: str) -> None:
    """Nor one in a form that the check above would not read."""
    assert ([], [line]) == skips(f'resource "a" "b" {{\n{line}\n}}\n')


def test_a_suppression_with_a_reason_is_read() -> None:
    """Each names one check."""
    line = "  #checkov:skip=CKV_AWS_2:it speaks HTTP within the VPC"
    assert (["CKV_AWS_2"], []) == skips(f'resource "a" "b" {{\n{line}\n}}\n')


def test_a_fault_is_found(tmp_path: Path) -> None:
    """It looks at what the session hands it: a database that is open to the world is named."""
    text = 'resource "aws_db_instance" "open" {\n  engine = "postgres"\n  publicly_accessible = true\n}\n'
    (tmp_path / "main.tf").write_text(text, encoding="utf-8")
    (tmp_path / "environments" / "production").mkdir(parents=True)
    (tmp_path / "environments" / "production" / "terraform.tfvars").touch()
    named = {line.split(": ")[0] for line in found(judge(tmp_path, "production", tmp_path))}
    assert "CKV_AWS_17 main.tf aws_db_instance.open" in named
