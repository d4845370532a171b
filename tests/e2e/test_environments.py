"""The three environments as a whole: applied, found just as they were applied, and destroyed, with nothing left.

Takes long: `nox -s faults` runs it.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from deployer.tools.terraform_program import TerraformProgram
from tests.chaos.site import ACCOUNT, REGION, Site

from .conftest import Checkout

ENVIRONMENTS = {"prod": "production", "staging": "staging", "dev": "development"}
"""In the order in which they can go: development has the registry that all use."""

NAMES = {
    ("ec2", "describe_vpcs"): "Vpcs[].Tags[?Key=='Name'].Value[]",
    ("ec2", "describe_subnets"): "Subnets[].Tags[?Key=='Name'].Value[]",
    ("ec2", "describe_security_groups"): "SecurityGroups[].GroupName",
    ("ec2", "describe_nat_gateways"): "NatGateways[?State!='deleted'].Tags[?Key=='Name'].Value[]",
    ("ecs", "list_clusters"): "clusterArns[]",
    ("elbv2", "describe_load_balancers"): "LoadBalancers[].LoadBalancerName",
    ("elbv2", "describe_target_groups"): "TargetGroups[].TargetGroupName",
    ("rds", "describe_db_instances"): "DBInstances[].DBInstanceIdentifier",
    ("rds", "describe_db_subnet_groups"): "DBSubnetGroups[].DBSubnetGroupName",
    ("elasticache", "describe_replication_groups"): "ReplicationGroups[].ReplicationGroupId",
    ("s3", "list_buckets"): "Buckets[].Name",
    ("secretsmanager", "list_secrets"): "SecretList[?!DeletedDate].Name",
    ("ssm", "describe_parameters"): "Parameters[].Name",
    ("logs", "describe_log_groups"): "logGroups[].logGroupName",
    ("cloudwatch", "describe_alarms"): "MetricAlarms[].AlarmName",
    ("iam", "list_roles"): "Roles[].RoleName",
    ("kms", "list_aliases"): "Aliases[].AliasName",
}
"""What the cloud is asked for (service, call) and where its answer has the names."""

pytestmark = pytest.mark.skipif(os.environ.get("E2E_FAULTS") != "all", reason="takes long: nox -s faults runs it")


@pytest.fixture(scope="module")
def sites(prepared: Checkout) -> dict[str, Site]:
    """All three, deployed; development first, which the others take their images from."""
    found = {name: Site(prepared, name) for name in reversed(ENVIRONMENTS)}
    for site in found.values():
        site.inv("deploy")
    return found


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_a_second_plan_is_empty(sites: dict[str, Site], environment: str) -> None:
    """Right after a deploy, planned anew and not remembered; and nothing was changed around Terraform."""
    planned = sites[environment].checkout.inv("plan", *sites[environment].words, "--json").json
    assert [] == planned["plan"]["changes"]
    assert not sites[environment].inv("drift", "--json").json["drift"]


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_destroy_leaves_nothing(sites: dict[str, Site], environment: str, tmp_path: Path) -> None:
    """No resource in the state, no name of the environment in the cloud, but the bucket of the state itself."""
    site, prefixes = sites[environment], (f"indivillage-{environment}", f"indivillage/{environment}/")
    before = names(site, *prefixes)
    assert len(before) > len(NAMES), before
    destroy(site, tmp_path)

    assert [f"indivillage-{environment}-state-{ACCOUNT}"] == names(site, *prefixes)


def names(site: Site, *prefixes: str) -> list[str]:
    """Everything in the cloud that has one of PREFIXES in its name, whoever made it."""
    found: set[str] = set()
    for (service, call), where in NAMES.items():
        answers = site.client(service).get_paginator(call).paginate().search(where)
        found |= {str(name) for name in answers if any(one in str(name) for one in prefixes)}
    return sorted(found)


def destroy(site: Site, scratch: Path) -> None:
    """`terraform destroy`, as somebody would who ends an environment: the deployer has no command for that."""
    path, name = site.checkout.path, ENVIRONMENTS[site.environment]
    configuration = path / "infrastructure" / "terraform"
    program = TerraformProgram(
        configuration,
        data=path / ".cache" / "terraform" / site.cloud["name"] / site.environment / "data",
        cache=path / ".cache",
        region=REGION,
        endpoint_url=site.cloud["endpoint_url"],
        environ=os.environ,
    )
    variables = [f"-var-file={configuration}/environments/{name}/terraform.tfvars", "-var=cloud=local"]
    log = scratch / "destroy.log"
    with log.open("w", encoding="utf-8") as file:
        # Into a file, so that one that hangs has said what it waits for.
        code = subprocess.run(
            ["terraform", "destroy", "-auto-approve", "-input=false", "-no-color", "-parallelism=30", *variables],
            cwd=configuration,
            env=program.environment,
            stdout=file,
            stderr=subprocess.STDOUT,
            timeout=600,
            check=False,
        ).returncode
    said = log.read_text(encoding="utf-8")
    assert 0 == code, said[-4000:]
    assert "Destroy complete!" in said
