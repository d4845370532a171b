"""The end of the environment that all modules of this folder have shared."""

from __future__ import annotations

import docker

from .conftest import Checkout


def test_cloud_down_leaves_nothing_behind(checkout: Checkout) -> None:
    """Every container, network and volume of this cloud goes, and no other."""
    name = checkout.inv("cloud.status", "--json").json["name"]
    checkout.inv("cloud.down")
    engine = docker.from_env()
    everything = [
        # Other clouds on this machine come and go meanwhile.
        *(container.name for container in engine.containers.list(all=True, ignore_removed=True)),
        *(network.name for network in engine.networks.list()),
        *(volume.name for volume in engine.volumes.list()),
    ]

    assert [] == [found for found in everything if name in found]
    assert not checkout.inv("cloud.status", "--json").json["running"]
