"""What can go wrong with the local cloud.

CloudError
├── EngineUnreachable   no Docker Engine answers
├── EngineRefused       the engine answered, and did not do it
├── PortTaken           another program holds a port the cloud publishes
├── DiskFull            no space left where the engine or the cloud keeps its data
├── NameTaken           a container of that name exists that is not a local cloud
├── LockRefused         the file that lets one process at a time change the cloud cannot be opened
└── NotReady            the container runs, or ran, but the cloud does not answer
"""


class CloudError(Exception):
    """Something about the local cloud failed; says what was ATTEMPTED, what was SEEN, and what to do (HINT)."""

    def __init__(self, attempted: str, seen: str, hint: str = "") -> None:
        super().__init__(attempted, seen, hint)
        self.attempted = attempted
        self.seen = seen
        self.hint = hint

    def __str__(self) -> str:
        line = f"could not {self.attempted}: {self.seen}"
        return f"{line} ({self.hint})" if self.hint else line


class EngineUnreachable(CloudError):
    """No Docker Engine answers."""


class EngineRefused(CloudError):
    """The Docker Engine answered with an error."""


class PortTaken(CloudError):
    """Another program holds a port that the cloud publishes."""


class DiskFull(CloudError):
    """No space left on the engine's or the cloud's disk."""


class NameTaken(CloudError):
    """A container, network or volume of the cloud's name exists and is not the cloud's."""


class LockRefused(CloudError):
    """The file that lets one process at a time change the cloud cannot be opened."""


class NotReady(CloudError):
    """The cloud was started and does not answer in time."""
