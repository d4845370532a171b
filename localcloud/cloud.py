"""Bring the local cloud up, take it down, say what runs. The host side: it knows the Docker Engine and nothing else.

The cloud is one container; what it starts (tasks, databases) lives beside it in the same network. Everything carries
the label LABEL with the cloud's name, which is how ``down`` finds all of it and nothing else.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from localcloud import readiness
from localcloud.engine import reaching, socket_path
from localcloud.errors import EngineRefused, NameTaken
from localcloud.lock import exclusive
from localcloud.names import LABEL, STATE_FOLDER
from localcloud.ports import Ports, can_bind, choose
from localcloud.status import CloudImages, CloudStatus

if TYPE_CHECKING:
    import docker

__all__ = ["CloudImages", "CloudStatus", "LocalCloud", "Ports"]

SPEC = f"{LABEL}.spec"
REGION = "ap-south-1"
PORTS_LOCK = f"indivillage-cloud-ports-{os.getuid()}"  # held while a new cloud has chosen ports and no container yet
STOP_S = 60  # to save the state and stop databases; a killed cloud loses at most its last second

REMOVAL_S = 0.2
IN_USE = "has active endpoints"  # what the engine says of a network that it does not remove

Progress = Callable[[str], None]


def _silent(_: str) -> None:
    """Progress that nobody wants to see."""


class LocalCloud:
    """The local cloud called NAME on ENGINE; ALIASES are load balancer names that resolve in its network.

    Without PORTS it keeps those it has, or takes the first that no other local cloud has. Every method raises
    CloudError and nothing else for what is not a bug.
    """

    def __init__(
        self, engine: docker.DockerClient, name: str, aliases: Sequence[str], ports: Ports | None = None
    ) -> None:
        self._engine = engine
        self.name = name
        self._aliases = tuple(sorted(aliases))
        self._wanted = ports

    @property
    def ports(self) -> Ports:
        """The ports it has, or would get now. Raises PortTaken."""
        with reaching(f"look at the local cloud {self.name}"):
            return self._ports(self._container())

    def up(self, images: CloudImages, progress: Progress = _silent) -> CloudStatus:
        """Bring it to life with IMAGES and wait until it is ready; costs next to nothing when it is."""
        attempted = f"start the local cloud {self.name}"
        with reaching(attempted), exclusive(self.name, progress):
            container = self._container()
            ports = self._ports(container)
            if container and container.labels.get(SPEC) != self._spec(images, ports):
                progress(f"{self.name}: its image or its ports changed; starting it anew, with its state")
                container.stop(timeout=STOP_S)
                container.remove(v=True)
                container = self._create(images, ports)
            elif container is None:
                progress(f"{self.name}: starting")
                # A container holds its ports from when it is made: until then no other new cloud may choose the same.
                with exclusive(PORTS_LOCK, progress):
                    ports = self._ports(None)
                    container = self._create(images, ports)
            if container.status != "running":
                container.start()
            readiness.wait(container, ports.api, attempted)
            return self._status(container, ports)

    def down(self, progress: Progress = _silent) -> tuple[str, ...]:
        """Remove every container, network and volume of it, state included; returns their names.

        A network that the engine keeps though nothing is in it is not among them, and PROGRESS is told.
        """
        removed: list[str] = []
        with reaching(f"remove the local cloud {self.name}"), exclusive(self.name, progress):
            # The cloud first, or it would start anew what is removed; then again until nothing is left behind.
            while containers := self._containers():
                for container in sorted(containers, key=lambda one: str(one.name) != self.name):
                    removed.append(str(container.name))
                    _remove(container, v=True, force=True)
            for volume in self._engine.volumes.list(filters=self._mine):
                removed.append(str(volume.name))
                _remove(volume, force=True)
            networks = self._engine.networks.list(filters=self._mine)
            removed.extend(str(network.name) for network in networks if _closed(network, progress))
        return tuple(sorted(set(removed)))

    def status(self) -> CloudStatus:
        """What runs; changes nothing and starts nothing."""
        with reaching(f"look at the local cloud {self.name}"):
            container = self._container()
            ports = _published(container) if container else self._wanted or Ports()
            return self._status(container, ports)

    def _status(self, container: Any, ports: Ports) -> CloudStatus:
        others = [one for one in self._containers() if str(one.name) != self.name]
        running = container is not None and container.status == "running"
        ready = running and not readiness.failure(ports.api)
        containers = tuple(sorted((str(one.name), str(one.status)) for one in others))
        return CloudStatus(self.name, running, ready, ports, containers)

    @property
    def _mine(self) -> dict[str, Any]:
        return {"label": f"{LABEL}={self.name}"}

    def _containers(self) -> list[Any]:
        """Every container of the cloud, its own among them, whatever their state."""
        return list(self._engine.containers.list(all=True, filters=self._mine, ignore_removed=True))

    def _container(self) -> Any:
        """The cloud's container, freshly looked up; None when there is none. Raises NameTaken."""
        from docker.errors import NotFound

        try:
            container = self._engine.containers.get(self.name)
        except NotFound:
            return None
        if container.labels.get(LABEL) != self.name:
            seen = f"a container called {self.name} exists that is not a local cloud"
            raise NameTaken(f"find the local cloud {self.name}", seen, "rename or remove it")
        return container

    def _ports(self, container: Any) -> Ports:
        held = _published(container) if container else None
        if held and self._wanted in (None, held):
            return held
        clouds, others = set[int](), dict[int, str]()
        for one in self._engine.containers.list(all=True, ignore_removed=True):
            published = {} if str(one.name) == self.name else dict.fromkeys(_host_ports(one), str(one.name))
            if LABEL in one.labels and one.labels[LABEL] == one.name:
                clouds |= set(published)
            elif one.status == "running":
                others |= published
        mine = set(held.all()) if held else set()
        return choose(clouds, others, lambda port: port in mine or can_bind(port), self._wanted)

    def _spec(self, images: CloudImages, ports: Ports) -> str:
        """A hash of all that a container cannot change once it is made."""
        identities = [self._engine.images.get(one).id for one in (images.cloud, images.postgres, images.redis)]
        whole = [identities, ports.all(), self._aliases, socket_path(), REGION]
        return hashlib.sha256(json.dumps(whole).encode()).hexdigest()[:16]

    def _network_and_volume(self) -> None:
        labels = {LABEL: self.name}
        if not self._engine.networks.list(names=[f"^{self.name}$"]):
            self._engine.networks.create(self.name, driver="bridge", labels=labels)
        self._engine.volumes.create(f"{self.name}-state", labels=labels)

    def _create(self, images: CloudImages, ports: Ports) -> Any:
        self._network_and_volume()
        endpoint = self._engine.api.create_endpoint_config(aliases=list(self._aliases))
        return self._engine.containers.create(
            images.cloud,
            name=self.name,
            labels={LABEL: self.name, SPEC: self._spec(images, ports)},
            environment={
                "LOCALCLOUD_NAME": self.name,
                "LOCALCLOUD_POSTGRES": images.postgres,
                "LOCALCLOUD_REDIS": images.redis,
                "MINISTACK_REGION": REGION,
            },
            ports=ports.published(),
            volumes={
                f"{self.name}-state": {"bind": STATE_FOLDER, "mode": "rw"},
                socket_path(): {"bind": "/var/run/docker.sock", "mode": "rw"},
            },
            network=self.name,
            networking_config={self.name: endpoint},
            stop_signal="SIGTERM",
        )


def _remove(thing: Any, **how: Any) -> None:
    from docker.errors import APIError, NotFound

    try:
        thing.remove(**how)
    except NotFound:
        pass  # what somebody else has just removed is as gone as it should be
    except APIError as error:
        if "already in progress" not in str(error):
            raise
        time.sleep(REMOVAL_S)


def _closed(network: Any, progress: Progress) -> bool:
    """Remove NETWORK; False when nothing but the engine's own count stands in the way.

    Docker may lose count of a network that containers join and leave at the same moment (measured with 20.10: 4 of 20
    networks, each joined and left by six containers six times). It counts anew when it starts, and only then lets go.
    """
    from docker.errors import APIError, NotFound

    try:
        _remove(network)
    except APIError as error:
        if IN_USE not in str(error):
            raise
        try:
            network.reload()
        except NotFound:
            return True
        inside = ", ".join(sorted(str(one["Name"]) for one in (network.attrs.get("Containers") or {}).values()))
        if inside:
            attempted = f"remove the network {network.name}"
            raise EngineRefused(attempted, f"still in it: {inside}", "stop or disconnect them and try again") from error
        progress(
            f"network {network.name}: nothing is in it, but the Docker Engine has lost count and keeps it until it is "
            "restarted; to be rid of it, restart the engine and remove the local cloud once more"
        )
        return False
    return True


def _host_ports(container: Any) -> list[int]:
    """The ports that CONTAINER publishes when it runs, asked of its settings: a stopped cloud keeps its ports."""
    bindings = container.attrs["HostConfig"].get("PortBindings") or {}
    return [int(one["HostPort"]) for bound in bindings.values() for one in bound or () if one.get("HostPort")]


def _published(container: Any) -> Ports:
    bindings = container.attrs["HostConfig"]["PortBindings"]
    return Ports(*(int(bindings[inside][0]["HostPort"]) for inside in Ports().published()))
