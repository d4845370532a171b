"""Names of load balancers: what resolves everywhere, and what only browsers resolve."""

from __future__ import annotations

from deployer.tools.reach import reachable


def test_local_names_go_into_the_host_header() -> None:
    """Python does not resolve *.localhost: connect to this machine, say the name."""
    expected = ("http://127.0.0.1:8080/api/version", {"Host": "dev.alb.localhost:8080"})

    assert expected == reachable("http://dev.alb.localhost:8080/api/version")


def test_other_names_are_left_alone() -> None:
    """Real domains are resolved as ever."""
    assert ("https://indivillage.com/x", {}) == reachable("https://indivillage.com/x")
