"""What it costs to compose an environment: adapters are made, but nothing that they may never need."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from deployer import config
from deployer.tools.local_cloud import LocalCloudPlatform
from tests.examples import ROOT
from tests.unit.localcloud.test_readiness import answering

HEAVY = (
    *("boto3", "botocore", "docker", "hcl2", "httpx", "importlib.metadata", "nox", "pydantic", "requests", "rich"),
    "deployer.tools.schema_sql",
)
SCRIPT = f"""
import sys
from pathlib import Path
from deployer import config
from deployer.composition import compose, stop_for_run
root = Path(sys.argv[1])
site = compose(root, root, config.load(root, "dev"), root, stop_for_run())
site.world.registry.reference
print(site.world.platform.endpoint_url, *[name for name in {HEAVY} if name in sys.modules])
"""
LEFT = """
class Left:
    def __init__(self):
        self.itself = self
    def __del__(self):
        print("looked through")
Left()
"""
"""Garbage that only a look through everything finds."""


def test_composing_loads_nothing_heavy_when_the_cloud_answers(tmp_path: Path) -> None:
    """A rollback has two seconds in all, and these would cost half of one; nor is all looked through at the end."""
    tfvars = config.ENVIRONMENTS_FOLDER / "development" / "terraform.tfvars"
    (tmp_path / tfvars).parent.mkdir(parents=True)
    (tmp_path / tfvars).write_text((ROOT / tfvars).read_text(encoding="utf-8"), encoding="utf-8")
    config.load(tmp_path, "dev")
    name = LocalCloudPlatform(tmp_path, (), lambda *_: None).name  # type: ignore[arg-type]

    with answering(200, json.dumps({"name": name}).encode()) as port:
        note = {"engine": "", "ports": [port, 80, 81]}
        (tmp_path / ".cache" / "local-cloud.json").write_text(json.dumps(note), encoding="utf-8")
        env = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
        command = [sys.executable, "-c", SCRIPT + LEFT, str(tmp_path)]
        said = subprocess.run(command, cwd=tmp_path, env=env, check=True, capture_output=True, text=True).stdout

    assert [f"http://127.0.0.1:{port}"] == said.split()
