"""The deployer knows Terraform's alarms by their names before it may ask the topology (deployer/aws/cloudwatch.py)."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MODULE = ROOT / "infrastructure/terraform/modules/monitoring"


def known() -> re.Pattern[str]:
    """The deployer's OURS, read and not imported."""
    for node in ast.parse((ROOT / "deployer/aws/cloudwatch.py").read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "OURS" and isinstance(node.value, ast.Call):
            return re.compile(ast.literal_eval(node.value.args[0]))
    raise AssertionError("deployer/aws/cloudwatch.py has no OURS")


def test_every_alarm_of_the_module_is_known_by_its_name() -> None:
    """The module's own test lists them: one that is new there and unknown here would refuse no release."""
    told = (MODULE / "tests/monitoring.tftest.hcl").read_text(encoding="utf-8")
    listed = re.search(r"output\.alarms == tolist\(\[(.*?)\]\)", told, re.DOTALL)
    assert listed is not None
    names = re.findall(r'"indivillage-test-([a-z-]+)"', listed[1])

    assert (7, []) == (len(names), [name for name in names if not known().fullmatch(name)])
