"""Containers of a Docker Engine that has only those that a test makes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from docker.errors import APIError, NotFound


@dataclass
class Container:
    """One container; `code` is how it ends when it is waited for."""

    engine: Containers
    id: str
    name: str
    image: str
    labels: dict[str, str]
    options: dict[str, Any]
    status: str = "created"
    code: int = 0
    said: bytes = b""
    history: list[str] = field(default_factory=list)

    @property
    def attrs(self) -> dict[str, Any]:
        return {"State": {"ExitCode": self.code}, "Config": {"Env": self.options.get("env", [])}}

    def start(self) -> None:
        if self.name in self.engine.failing:
            raise APIError(self.engine.failing[self.name])
        self.history.append("start")
        self.status = "running"

    def restart(self, timeout: int) -> None:
        self.history.append(f"restart within {timeout} s")
        self.status = "running"

    def wait(self, timeout: int) -> dict[str, int]:
        return {"StatusCode": self.code}

    def reload(self) -> None:
        if self not in self.engine.there:
            raise NotFound("no such container")

    def logs(self, *, stream: bool = False, **_: Any) -> bytes | Iterator[bytes]:
        return iter([self.said[:5], self.said[5:]]) if stream else self.said

    def remove(self, **_: Any) -> None:
        if self not in self.engine.there:
            raise NotFound("no such container")
        self.engine.there.remove(self)


class Containers:
    """The engine and its collection of containers. `codes` and `failing` say by name how containers will behave."""

    def __init__(self) -> None:
        self.there: list[Container] = []
        self.made: list[Container] = []
        self.codes: dict[str, int] = {}
        self.failing: dict[str, str] = {}

    @property
    def containers(self) -> Containers:
        """The collection is this object too."""
        return self

    def create(self, image: str, *, name: str, labels: dict[str, str], **options: Any) -> Container:
        made = Container(self, f"id-{len(self.made)}", name, image, labels, options)
        made.code, made.said = self.codes.get(name, 0), b"first\nlast words\n"
        self.there.append(made)
        self.made.append(made)
        return made

    def list(self, *, filters: dict[str, Any], **_: Any) -> list[Container]:
        wanted = filters.get("label", [])
        pairs = [entry.split("=", 1) for entry in ([wanted] if isinstance(wanted, str) else wanted)]
        name = filters.get("name", "").strip("^/?$")
        return [
            one
            for one in self.there
            if all(one.labels.get(key) == value for key, value in pairs) and (not name or one.name == name)
        ]

    def named(self, name: str) -> Container:
        """The newest container made under this name."""
        return next(one for one in reversed(self.made) if one.name == name)
