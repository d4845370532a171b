"""Which ports of 127.0.0.1 a cloud publishes, and whose they are when they are taken.

Two clouds on one machine share nothing: the second one finds the first one's ports among the engine's containers and
moves ten up. A port that any other program holds is an error, because moving silently would hide a mistake.
"""

import socket
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from localcloud.errors import PortTaken
from localcloud.names import API_PORT

LOOPBACK = "127.0.0.1"
STEP = 10
MOST_CLOUDS = 50

Free = Callable[[int], bool]


@dataclass(frozen=True, slots=True)
class Ports:
    """Host ports: ``api`` (AWS APIs and registry), ``http`` (listeners on 80), ``test`` (listeners on 9000)."""

    api: int = API_PORT
    http: int = 8080
    test: int = 8081

    def all(self) -> tuple[int, int, int]:
        """The three of them."""
        return self.api, self.http, self.test

    def offset(self, places: int) -> "Ports":
        """The same ports, PLACES steps of ten up."""
        return Ports(*(port + STEP * places for port in self.all()))

    def published(self) -> dict[str, tuple[str, int]]:
        """As docker-py wants to be told: container port -> (address, host port); on the loopback address only."""
        inside = (f"{API_PORT}/tcp", "80/tcp", "9000/tcp")
        return {port: (LOOPBACK, host) for port, host in zip(inside, self.all(), strict=True)}


def choose(clouds: Collection[int], containers: Mapping[int, str], free: Free, wanted: Ports | None = None) -> Ports:
    """The ports for a new cloud, WANTED or the first that no other cloud has.

    CLOUDS are the ports of other local clouds, CONTAINERS maps published ports to the names of other containers.
    Raises PortTaken when a port is held by anything that is not a local cloud, or WANTED is another cloud's.
    """
    offers = [wanted] if wanted else [Ports().offset(place) for place in range(MOST_CLOUDS)]
    for offer in offers:
        if any(port in clouds for port in offer.all()) and not wanted:
            continue
        for port in offer.all():
            require_free(port, containers, free)
        return offer
    raise PortTaken("choose ports for the local cloud", f"{MOST_CLOUDS} local clouds run already", "stop one")


def require_free(port: int, containers: Mapping[int, str], free: Free) -> None:
    """Raise PortTaken, naming the holder where it is a container, unless PORT can be bound."""
    if port in containers:
        raise PortTaken(
            f"publish port {port} of the local cloud",
            f"{LOOPBACK}:{port} is taken by the container {containers[port]}",
            f"stop it with `docker stop {containers[port]}`",
        )
    if not free(port):
        raise PortTaken(
            f"publish port {port} of the local cloud",
            f"{LOOPBACK}:{port} is taken by another program",
            f"`ss -ltnp 'sport = :{port}'` names it; stop it and try again",
        )


def can_bind(port: int) -> bool:
    """Whether PORT of the loopback address is free now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True
