"""The schema of what the deployer reads, value by value."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from deployer.tfvars import Values, validate

SERVICE = {"cpu": 256, "memory": 512, "count": 1, "port": 8080, "health_path": "/healthz", "environment": {}}
GOOD: dict[str, Any] = {
    "name": "staging",
    "short_name": "staging",
    "domain": "staging.indivillage.com",
    "region": "ap-south-1",
    "replica_region": "ap-southeast-1",
    "account_id": "123456789012",
    "cloud": "aws",
    "branch": "release/2026.1",
    "owner": "platform-team",
    "cost_centre": "website-staging",
    "infrastructure_version": "1.20.3",
    "deployment": {
        "strategy": "blue_green",
        "steps": [{"weight_percent": 10, "bake_s": 60}, {"weight_percent": 100, "bake_s": 300}],
        "steady_timeout_s": 300,
    },
    "services": {"backend": SERVICE, "frontend": {**SERVICE, "environment": {"LOG_LEVEL": "debug"}}},
    "alarms": {"error_rate_percent": 1, "latency_p95_ms": 1500},
    "scaling": {"min": 2, "max": 4, "cpu_percent": 70},
    "database": {"only": "Terraform's"},
}


def with_value(path: str, value: object) -> dict[str, Any]:
    """GOOD with one value exchanged."""
    values = copy.deepcopy(GOOD)
    *parents, last = path.split(".")
    inner: Any = values
    for key in parents:
        inner = inner[int(key) if key.isdigit() else key]
    inner[last] = value
    return values


def test_good_values() -> None:
    """Typed; what only Terraform uses is left out."""
    read = validate(GOOD)

    assert isinstance(read, Values)
    assert [10, 100] == [step.weight_percent for step in read.deployment.steps]
    assert {"LOG_LEVEL": "debug"} == read.services.frontend.environment
    assert 60 == read.alarms.period_s
    assert (2, 4) == (read.scaling.min, read.scaling.max)
    assert [] == read.access.test_cidrs
    assert not hasattr(read, "database")


@pytest.mark.parametrize("period_s", [0, 10, 61, 3660])
def test_a_period_that_load_balancers_have_not(period_s: int) -> None:
    """They publish once a minute."""
    problems = validate(GOOD | {"alarms": {**GOOD["alarms"], "period_s": period_s}})

    assert isinstance(problems, tuple)
    assert problems[0].startswith(f"alarms.period_s is {period_s}: ")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("name", "test"),
        ("short_name", "development"),
        ("domain", "no dots"),
        ("domain", "indivillage.com\n"),
        ("region", "mumbai"),
        ("region", "ap-south-1\n"),
        ("replica_region", ""),
        ("account_id", "12345678901"),
        ("account_id", 123456789012),
        ("cloud", "azure"),
        ("branch", ""),
        ("branch", "${var.branch}"),
        ("owner", ""),
        ("owner", "platform & team"),
        ("cost_centre", "x" * 257),
        ("infrastructure_version", "1.0"),
        ("deployment", []),
        ("deployment.strategy", "canary"),
        ("deployment.steps", []),
        ("deployment.steps", {}),
        ("deployment.steps", [{"weight_percent": 50, "bake_s": 0}]),
        ("deployment.steps.0.weight_percent", 0),
        ("deployment.steps.0.weight_percent", 101),
        ("deployment.steps.0.bake_s", -1),
        ("deployment.steps.0.bake_s", 86401),
        ("deployment.steady_timeout_s", 9),
        ("deployment.steady_timeout_s", 3601),
        ("alarms.error_rate_percent", 0),
        ("alarms.error_rate_percent", 100),
        ("alarms.error_rate_percent", True),
        ("alarms.latency_p95_ms", 0),
        ("services.backend", None),
        ("services.backend.cpu", 300),
        ("services.backend.cpu", "256"),
        ("services.backend.memory", 511),
        ("services.backend.memory", True),
        ("services.backend.count", 0),
        ("services.backend.count", True),
        ("services.backend.count", 1.5),
        ("services.backend.port", 80),
        ("services.backend.port", 65536),
        ("services.backend.health_path", "readyz"),
        ("services.backend.health_path", "/a b"),
        ("services.frontend.environment", {"N": 1}),
        ("services.frontend.environment", ["A"]),
    ],
)
def test_each_value_that_cannot_be_used_is_named(path: str, value: object) -> None:
    """One line, beginning with the key."""
    problems = validate(with_value(path, value))

    assert isinstance(problems, tuple)
    assert 1 == len(problems)
    assert problems[0].startswith((f"{path} is {value!r:.60}: ", f"{path}."))


@pytest.mark.parametrize("key", [key for key in GOOD if key != "database"])
def test_each_missing_key_is_named(key: str) -> None:
    """Nothing that the deployer reads has a default of its own."""
    values = {name: value for name, value in GOOD.items() if name != key}

    assert (f"{key} is missing",) == validate(values)


def test_a_long_value_is_cut() -> None:
    """An error is one line."""
    problems = validate(with_value("services.backend.health_path", "x" * 500))

    assert isinstance(problems, tuple)
    assert len(problems[0]) < 200
