"""The topology parameter at the edge: what is missing is named, what is new is ignored."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from deployer.aws import topology_document
from deployer.aws.topology import parse
from deployer.errors import InputError
from deployer.model import Color
from tests.unit.aws import values


def test_everything_arrives() -> None:
    """Names, ports, ARNs by color."""
    seen = parse(json.dumps(values.topology_document()), "p")
    assert (seen.cluster, seen.public_listener, seen.test_port) == ("indivillage-dev", "arn:l", 9000)
    assert seen.internal_listeners[Color.GREEN] == "arn:g"
    backend = seen.services["backend"]
    assert (backend.name, backend.colors[Color.BLUE].target_group) == ("backend", "arn:backend-blue")
    assert backend.color_environment[Color.GREEN] == {"B": "3"}


@pytest.mark.parametrize(
    ("more", "expected"),
    [({}, "http://x:9000"), ({"test_host": "origin.dev.indivillage.com"}, "https://origin.dev.indivillage.com:9000")],
    ids=["load_balancer", "behind_cloudfront"],
)
def test_the_test_listener_is_found(more: dict[str, str], expected: str) -> None:
    """Under the site's own name, or under the load balancer's where that name is CloudFront's."""
    assert parse(json.dumps(values.topology_document() | more), "p").test_url == expected


@pytest.mark.parametrize(
    "path",
    [
        "cluster", "url", "subnets", "buckets", "load_balancers.public.listener", "load_balancers.public.test_port",
        "load_balancers.internal.listeners.green", "services.frontend.family", "services.backend.colors.blue",
        "services.backend.colors.green.target_group",
    ],
)  # fmt: skip
def test_a_missing_key_is_named_by_its_path(path: str) -> None:
    """Whoever changed the Terraform output sees which key the deployer misses."""
    broken = values.topology_document()
    *parents, last = path.split(".")
    holder = broken
    for parent in parents:
        holder = holder[parent]
    del holder[last]
    with pytest.raises(InputError) as caught:
        parse(json.dumps(broken), "/indivillage/dev/topology")
    assert f"/indivillage/dev/topology: {path}: " in caught.value.seen
    assert "inv apply" in caught.value.hint


@pytest.mark.parametrize("text", ["", "{", "[]", "null"])
def test_what_is_no_document_is_refused(text: str) -> None:
    """A parameter that somebody edited by hand is an input error, not a bug."""
    with pytest.raises(InputError):
        parse(text, "p")


def test_keys_of_later_versions_are_ignored() -> None:
    """An older checkout can still roll back what a newer one applied."""
    newer = values.topology_document()
    newer["cdn"] = {"id": "x"}
    newer["services"]["frontend"]["autoscaling"] = {"max": 9}
    assert parse(json.dumps(values.topology_document()), "p") == parse(json.dumps(newer), "p")


def test_a_document_that_has_passed_is_not_checked_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says the same, and pydantic stays unloaded; another document is checked."""
    text = json.dumps(values.topology_document())
    first = parse(text, "p", tmp_path)
    monkeypatch.setattr(topology_document, "check", None)

    assert parse(text, "p", tmp_path) == first
    with pytest.raises(TypeError):
        parse(text + " ", "p", tmp_path)


def test_a_document_that_was_refused_is_refused_again(tmp_path: Path) -> None:
    """Only what has passed is remembered."""
    for _ in range(2):
        with pytest.raises(InputError):
            parse("{}", "p", tmp_path)
