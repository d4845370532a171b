"""Every part of every validation is tried: some run of `terraform test` would get through without it."""

from __future__ import annotations

from pathlib import Path

from tests.infrastructure import refusals
from tests.infrastructure.conftest import Terraform
from tests.infrastructure.test_modules import MODULES


def test_no_part_of_a_validation_is_idle(tmp_path: Path, terraform: Terraform) -> None:
    """Weakened by any part, each variable accepts what a run says is refused, and what it refuses as it is."""
    runs = {module: [run for run in refusals.runs(module) if run.refused] for module in MODULES}
    parts = [part for module in MODULES for part in refusals.weakened(module)]
    weakened = [(run, part) for part in parts for run in runs[part.module] if part.variable in run.refused]
    variables = {module: refusals.intact(module) for module in MODULES}
    whole = [
        (run, variables[module][name]) for module in MODULES for run in runs[module] for name in sorted(run.refused)
    ]

    refused = refusals.still_refused([*whole, *weakened], tmp_path, terraform)

    accepted = [
        (run.name, one.variable) for (run, one), is_refused in zip(whole, refused, strict=False) if not is_refused
    ]
    assert accepted == [], "as they are, all of them have to be refused"
    noticed = [part for (_, part), still in zip(weakened, refused[len(whole) :], strict=True) if not still]
    assert [f"{part.module} {part.variable}: {part.part}" for part in parts if part not in noticed] == []
