"""Every part of every validation is tried: some run of `terraform test` would get through without it."""

from __future__ import annotations

from pathlib import Path

from tests.infrastructure import refusals
from tests.infrastructure.conftest import CONFIGURATION, Terraform

MODULES = [".", *(str(folder.relative_to(CONFIGURATION)) for folder in sorted(CONFIGURATION.glob("modules/*")))]


def test_no_part_of_a_validation_is_idle(tmp_path: Path, terraform: Terraform) -> None:
    """Weakened by any part, each variable accepts what a run says is refused; so that run would notice."""
    parts = [part for module in MODULES for part in refusals.weakened(module)]
    runs = {module: list(refusals.runs(module)) for module in MODULES}
    cases = [(run, part) for part in parts for run in runs[part.module] if part.variable in run.refused]
    refused = refusals.still_refused(cases, tmp_path, terraform)
    noticed = [part for (_, part), still in zip(cases, refused, strict=True) if not still]
    assert [f"{part.module} {part.variable}: {part.part}" for part in parts if part not in noticed] == []
