"""Copies of the Terraform configuration in which tests may run, and break, what they like."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from deployer.tools.terraform_mirror import Mirrors

ROOT = Path(__file__).parents[2]
CONFIGURATION = ROOT / "infrastructure" / "terraform"
DOUBLE = Path(__file__).parent / "doubles" / "generated_secret"
GENERATED_SECRET = Path("modules/security/generated_secret")

Terraform = Callable[..., subprocess.CompletedProcess[str]]
Copy = Callable[[], Path]


def terraform_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The caller's environment without what would change a run's meaning, with the provider mirror if there is one."""
    kept = {name: value for name, value in environ.items() if not name.startswith(("TF_", "AWS_"))}
    return kept | Mirrors(ROOT / ".cache", environ).environment() | {"CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1"}


@pytest.fixture(scope="session")
def terraform() -> Terraform:
    """Run `terraform ARGUMENTS` in a folder; output is text, stdout and stderr in one."""
    environment = terraform_environment(os.environ)

    def run(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["terraform", *arguments],
            cwd=cwd,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    return run


@pytest.fixture
def configuration(tmp_path: Path) -> Path:
    """A copy of the configuration as it is."""
    copy = tmp_path / "terraform"
    shutil.copytree(CONFIGURATION, copy, ignore=shutil.ignore_patterns(".terraform", "*.tfstate*"))
    return copy


@pytest.fixture
def testable(configuration: Path) -> Path:
    """A copy that mocked providers can run: generated_secret's ephemeral resources have a double in their place."""
    for file in DOUBLE.iterdir():
        shutil.copy(file, configuration / GENERATED_SECRET / file.name)
    return configuration
