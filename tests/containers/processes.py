"""What runs and listens in a container, read from /proc: needs no ps and no ss in the image."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from testinfra.host import Host

_LISTEN = "0A"
_DOCKER_DNS = "0B00007F"
"""127.0.0.11, docker's resolver: it listens in the namespace of every container on a user-defined network."""


@dataclass(frozen=True, slots=True)
class Process:
    """One process: its command line and the fields of /proc/PID/status."""

    pid: int
    command: str
    status: Mapping[str, str]

    @property
    def users(self) -> set[str]:
        """Real, effective, saved and file-system user ids."""
        return set(self.status["Uid"].split())

    @property
    def groups(self) -> set[str]:
        """Real, effective, saved and file-system group ids."""
        return set(self.status["Gid"].split())

    @property
    def capabilities(self) -> dict[str, int]:
        """The five capability sets as bit masks."""
        return {name: int(value, 16) for name, value in self.status.items() if name.startswith("Cap")}


def processes(host: Host) -> list[Process]:
    """Return the container's own processes, without those of the check that asks."""
    script = (
        "for d in /proc/[0-9]*; do [ ${d#/proc/} = $$ ] && continue; "
        's=$(cat $d/status 2>/dev/null) || continue; echo "@ ${d#/proc/}"; echo "$s"; '
        "printf 'Command: '; tr '\\0' ' ' < $d/cmdline 2>/dev/null; echo; done"
    )
    found = []
    # A child of the asking shell has that shell as its parent; the container's own have not.
    for chunk in re.split(r"^@ ", host.check_output(f"echo $$; {script}"), flags=re.MULTILINE)[1:]:
        pid, _, text = chunk.partition("\n")
        status = {name: value.strip() for name, _, value in (line.partition(":") for line in text.splitlines())}
        found.append(Process(int(pid), status.pop("Command", ""), status))
    return found


def listening(host: Host) -> set[int]:
    """Return the TCP ports that anything in the container listens on, whatever the address."""
    ports = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in host.run(f"cat {table}").stdout.splitlines()[1:]:
            _, local, _, state, *_ = line.split()
            address, _, port = local.rpartition(":")
            if state == _LISTEN and address != _DOCKER_DNS:
                ports.add(int(port, 16))
    return ports
