"""The three environments as a whole: applied, found just as they were applied, and destroyed, with nothing left.

Takes long: `nox -s faults` runs it.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest

import docker
from deployer.tools.terraform_program import TerraformProgram
from localcloud.names import LABEL
from tests.chaos.site import ACCOUNT, REGION, Site

from .conftest import Checkout

ENVIRONMENTS = {"prod": "production", "staging": "staging", "dev": "development"}
"""In the order in which they can go: development has the registry that all use."""

TAGGED = "Tags[?Key=='Name'].Value[]"
NAMES = {
    ("ec2", "describe_vpcs"): f"Vpcs[].{TAGGED}",
    ("ec2", "describe_subnets"): f"Subnets[].{TAGGED}",
    ("ec2", "describe_security_groups"): "SecurityGroups[].GroupName",
    ("ec2", "describe_nat_gateways"): f"NatGateways[?State!='deleted'][].{TAGGED}",
    ("ec2", "describe_internet_gateways"): f"InternetGateways[].{TAGGED}",
    ("ec2", "describe_route_tables"): f"RouteTables[].{TAGGED}",
    ("ec2", "describe_vpc_endpoints"): f"VpcEndpoints[?State!='deleted'][].{TAGGED}",
    ("ecs", "list_clusters"): "clusterArns[]",
    ("elbv2", "describe_load_balancers"): "LoadBalancers[].LoadBalancerName",
    ("elbv2", "describe_target_groups"): "TargetGroups[].TargetGroupName",
    ("rds", "describe_db_instances"): "DBInstances[].DBInstanceIdentifier",
    ("rds", "describe_db_subnet_groups"): "DBSubnetGroups[].DBSubnetGroupName",
    ("rds", "describe_db_parameter_groups"): "DBParameterGroups[].DBParameterGroupName",
    ("elasticache", "describe_replication_groups"): "ReplicationGroups[].ReplicationGroupId",
    ("elasticache", "describe_cache_subnet_groups"): "CacheSubnetGroups[].CacheSubnetGroupName",
    ("s3", "list_buckets"): "Buckets[].Name",
    ("secretsmanager", "list_secrets"): "SecretList[?!DeletedDate].Name",
    ("ssm", "describe_parameters"): "Parameters[].Name",
    ("logs", "describe_log_groups"): "logGroups[].logGroupName",
    ("cloudwatch", "describe_alarms"): "MetricAlarms[].AlarmName",
    ("cloudwatch", "list_dashboards"): "DashboardEntries[].DashboardName",
    ("sns", "list_topics"): "Topics[].TopicArn",
    ("iam", "list_roles"): "Roles[].RoleName",
    ("kms", "list_aliases"): "Aliases[].AliasName",
}
"""What the cloud is asked for (service, call) and where its answer has the names."""
IMAGES = ("ecr", "describe_repositories", "repositories[].repositoryName")
"""Of all environments; development has them."""
CONTAINERS, VOLUMES = ("docker", "ps"), ("docker", "volume ls")
"""What the engine runs of the environment (database, cache, tasks), and their data."""

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


@pytest.mark.parametrize("environment", ["prod", "staging"])
def test_a_plan_in_the_middle_of_a_shift_is_empty(sites: dict[str, Site], environment: str) -> None:
    """Half the visitors on each color, both colors running, the idle one with the live one's revision."""
    site = sites[environment]
    shift_half(site)
    planned = site.checkout.inv("plan", *site.words, "--json").json
    assert [] == planned["plan"]["changes"]
    assert not site.inv("drift", "--json").json["drift"]


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_destroy_leaves_nothing(sites: dict[str, Site], environment: str, tmp_path: Path) -> None:
    """Nothing in the state, no name of it in the cloud or the engine, but the bucket of the state itself."""
    site = sites[environment]
    before = names(site)
    assert {call: [] for call in before if not before[call]} == {}, "a call that finds nothing of it proves nothing"
    destroy(site, tmp_path)

    state = {("s3", "list_buckets"): [f"indivillage-{environment}-state-{ACCOUNT}"]}
    assert state == {call: found for call, found in names(site).items() if found}


def shift_half(site: Site) -> None:
    """What the deployer does on the way to 100%, asked of the cloud itself."""
    topology, elb, ecs = site.topology, site.client("elbv2"), site.client("ecs")
    for service in topology["services"].values():
        colors = [color["service"] for color in service["colors"].values()]
        found = ecs.describe_services(cluster=topology["cluster"], services=colors)["services"]
        (live,) = [one["taskDefinition"] for one in found if one["desiredCount"]]
        for one in found:
            if not one["desiredCount"]:
                name = one["serviceName"]
                ecs.update_service(cluster=topology["cluster"], service=name, taskDefinition=live, desiredCount=1)
    groups = [color["target_group"] for color in topology["services"]["frontend"]["colors"].values()]
    half = {"TargetGroups": [{"TargetGroupArn": group, "Weight": 50} for group in groups]}
    for name in ("listener", "test_listener"):
        arn = topology["load_balancers"]["public"][name]
        actions = [{"Type": "forward", "ForwardConfig": half}]
        (written,) = elb.modify_listener(ListenerArn=arn, DefaultActions=actions)["Listeners"]
        weights = [one["Weight"] for one in written["DefaultActions"][0]["ForwardConfig"]["TargetGroups"]]
        assert [50, 50] == weights


def names(site: Site) -> dict[tuple[str, str], list[str]]:
    """Everything in the cloud that is named as the environment's things are, whoever made it, by call."""
    name = site.environment
    marks = (f"indivillage-{name}", f"indivillage/{name}/")

    def its(names: Iterable[object]) -> list[str]:
        return [str(one) for one in names if str(one).startswith(f"{name}-") or any(mark in str(one) for mark in marks)]

    found = {
        (service, call): its(site.client(service).get_paginator(call).paginate().search(where))
        for (service, call), where in NAMES.items()
    }
    if name == "dev":
        found[IMAGES[:2]] = list(site.client(IMAGES[0]).get_paginator(IMAGES[1]).paginate().search(IMAGES[2]))
    engine, mine = docker.from_env(), {"label": f"{LABEL}={site.cloud['name']}"}
    # Tasks are told by their labels, which name the cluster. One that has ended stays two to three minutes for its
    # logs, until MiniStack reaps it: only what runs is asked for.
    containers = engine.containers.list(filters=mine)
    found[CONTAINERS] = its(f"{one.name} {sorted(one.labels.values())}" for one in containers)
    found[VOLUMES] = its(one.name for one in engine.volumes.list(filters=mine))
    return found


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
