"""Weights and rules of the load balancers, with real containers behind them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from deployer.tools.terraform_mirror import Mirrors
from tests.contract.localcloud.conftest import load
from tests.contract.localcloud.stand import Stand, chi_squared_p, wait_for

REQUESTS = 5_000
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def both(stand: Stand) -> Stand:
    """Blue and green, each one healthy task."""
    stand.serve("blue")
    stand.serve("green")
    return stand


def test_weights_80_20_come_out_as_80_20(both: Stand) -> None:
    """Of 5,000 requests, the split does not differ from 80/20 by more than chance (chi squared, p > 0.01)."""
    both.shift(80, 20)
    counts = {"blue": 0, "green": 0}
    with both.connection() as ask:
        for _ in range(REQUESTS):
            counts[ask("/").text] += 1
    assert chi_squared_p(list(counts.values()), [REQUESTS * 0.8, REQUESTS * 0.2]) > 0.01, counts


def test_a_weight_change_under_load_drops_nothing_and_is_in_force_when_it_returns(both: Stand) -> None:
    """While weights swing twenty times nobody sees an error, and each answer after a change is the new color's."""
    assert {both.get().text for _ in range(20)} == {"blue"}
    with load(both, ["/"] * 4) as result:
        for turn in range(20):
            blue = 100 * (turn % 2)
            both.shift(blue, 100 - blue)
            assert both.get().text == ("blue" if blue else "green")
    assert result.failures == []
    assert result.texts("/") == {"blue", "green"}


def test_weights_are_read_back_as_they_were_written(both: Stand) -> None:
    """Describe, and the target groups' list of load balancers, say what Modify was told."""
    both.shift(75, 25)
    listener = both.elb.describe_listeners(ListenerArns=[both.listener])["Listeners"][0]
    assert listener["DefaultActions"][0]["ForwardConfig"]["TargetGroups"] == [
        {"TargetGroupArn": both.blue, "Weight": 75},
        {"TargetGroupArn": both.green, "Weight": 25},
    ]
    groups = both.elb.describe_target_groups(TargetGroupArns=[both.blue, both.green])["TargetGroups"]
    assert [[both.balancer]] * 2 == [group["LoadBalancerArns"] for group in groups]


def test_rules_fixed_responses_and_redirects(stand: Stand) -> None:
    """Rules are tried by priority; what a response says arrives letter by letter; a redirect keeps the path."""
    fixed = {"StatusCode": "418", "ContentType": "text/plain", "MessageBody": 'it\'s 100% "tea" # \\o/'}
    stand.elb.create_rule(
        ListenerArn=stand.listener,
        Priority=10,
        Conditions=[{"Field": "path-pattern", "PathPatternConfig": {"Values": ["/tea/*", "/pot?"]}}],
        Actions=[{"Type": "fixed-response", "FixedResponseConfig": fixed}],
    )
    stand.elb.create_rule(
        ListenerArn=stand.listener,
        Priority=20,
        Conditions=[{"Field": "path-pattern", "PathPatternConfig": {"Values": ["/*"]}}],
        Actions=[
            {"Type": "redirect", "RedirectConfig": {"Host": "example.test", "Port": "80", "StatusCode": "HTTP_301"}}
        ],
    )
    assert [418, 418, 301] == [stand.get(path).status for path in ("/tea/green", "/pot1", "/pot")]
    assert fixed["MessageBody"] == stand.get("/tea/black").text


def test_the_target_learns_who_asked(both: Stand) -> None:
    """X-Forwarded-For, -Proto and -Port and a trace id reach the target."""
    headers = both.get("/headers").text.lower()
    names = {line.partition(":")[0] for line in headers.splitlines()}
    assert {"x-forwarded-for", "x-forwarded-proto", "x-forwarded-port", "x-amzn-trace-id"} <= names


def test_two_load_balancers_share_a_port_by_name(both: Stand, running: object, app_image: str) -> None:
    """Each answers to its own name, and a name that nobody has gets 404 instead of somebody else's page."""
    other = Stand(both.endpoint, both._http_port, app_image)
    try:
        response = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "200", "MessageBody": "other"}}
        other.elb.create_listener(LoadBalancerArn=other.balancer, Port=80, Protocol="HTTP", DefaultActions=[response])
        assert ("blue", "other") == (both.get().text, other.get().text)
        with both.connection() as ask:
            assert 404 == ask("/", {"Host": "nobody.alb.localhost"}).status
    finally:
        other.remove()


def test_terraform_sees_no_drift_in_a_weighted_listener(stand: Stand, tmp_path: Path) -> None:
    """After `terraform apply`, `terraform plan` has nothing to change (exit code 0 of -detailed-exitcode)."""
    (tmp_path / "main.tf").write_text(MAIN % stand.endpoint)
    values = {"balancer": stand.balancer, "blue": stand.blue, "green": stand.green}
    (tmp_path / "terraform.tfvars.json").write_text(json.dumps(values))
    terraform = shutil.which("terraform")
    assert terraform, "Terraform is not installed; the project needs it"
    environ = {key: value for key, value in os.environ.items() if key != "TF_CLI_CONFIG_FILE"}
    environ |= Mirrors(ROOT / ".cache", os.environ).environment()

    def run(*arguments: str) -> int:
        done = subprocess.run(
            [terraform, *arguments], cwd=tmp_path, env=environ, capture_output=True, text=True, check=False
        )
        assert done.returncode in (0, 2), done.stdout + done.stderr
        return done.returncode

    run("init", "-input=false", "-no-color")
    run("apply", "-input=false", "-no-color", "-auto-approve")
    assert 0 == run("plan", "-input=false", "-no-color", "-detailed-exitcode")
    wait_for(
        lambda: len(stand.elb.describe_listeners(LoadBalancerArn=stand.balancer)["Listeners"]) == 1, "the listener"
    )


MAIN = """
terraform {
  required_providers {
    aws = { source = "hashicorp/aws", version = "~> 5.100" }
  }
}
provider "aws" {
  region                      = "ap-south-1"
  access_key                  = "test"
  secret_key                  = "test"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_requesting_account_id  = true
  endpoints { elbv2 = "%s" }
}
variable "balancer" { type = string }
variable "blue" { type = string }
variable "green" { type = string }
resource "aws_lb_listener" "weighted" {
  load_balancer_arn = var.balancer
  port              = 80
  protocol          = "HTTP"
  default_action {
    type = "forward"
    forward {
      target_group {
        arn    = var.blue
        weight = 80
      }
      target_group {
        arn    = var.green
        weight = 20
      }
    }
  }
}
"""
