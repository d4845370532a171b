"""What a local cloud is made of and what runs of it, as plain values."""

from dataclasses import dataclass

from localcloud.ports import Ports


@dataclass(frozen=True, slots=True)
class CloudImages:
    """References of images that the engine has: the cloud's own, and what RDS and ElastiCache start."""

    cloud: str
    postgres: str
    redis: str


@dataclass(frozen=True, slots=True)
class CloudStatus:
    """A local cloud as the engine shows it; ``containers`` are (name, state) of tasks, their networks and databases."""

    name: str
    running: bool
    ready: bool
    ports: Ports
    containers: tuple[tuple[str, str], ...] = ()

    @property
    def endpoint_url(self) -> str:
        """Where the AWS APIs answer on this machine."""
        return f"http://127.0.0.1:{self.ports.api}"

    @property
    def registry(self) -> str:
        """The prefix of image references: the engine trusts a registry without TLS only as ``localhost``."""
        return f"localhost:{self.ports.api}"

    def to_json(self) -> dict[str, object]:
        """The status for machines."""
        return {
            "name": self.name,
            "running": self.running,
            "ready": self.ready,
            "endpoint_url": self.endpoint_url,
            "registry": self.registry,
            "ports": {"api": self.ports.api, "http": self.ports.http, "test": self.ports.test},
            "containers": [{"name": name, "state": state} for name, state in self.containers],
        }
