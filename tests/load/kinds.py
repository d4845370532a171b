"""What visitors do to the site, each in a way that a careless release would hurt.

A kind says what its n-th request asks. Keys are made of the run's name and the number, so that a submission is found
again, and one that is stored twice is seen.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from tests.load.exchange import Request

VERSION = "/api/version"
MIB = 1024 * 1024
PIECE = MIB // 4
FILLING = b"%" * PIECE


@dataclass(frozen=True, slots=True)
class Kind:
    """One way to use the site: `make` gives the n-th request and what makes it unique ("" for what need not be).

    `rate` is in requests a second, due at even times. Each has a connection of its own, or, with `keep`, that many
    connections take turns and are idle for keep / rate seconds in between. `timeout_s` is a visitor's patience:
    long, so that a busy machine shows in the latencies and not as failures.
    """

    name: str
    rate: float
    make: Callable[[int], tuple[Request, str]]
    keep: int = 0
    timeout_s: float = 30.0


def fresh(rate: float, path: str = VERSION) -> Kind:
    """Somebody who comes for the first time: a new connection, one GET."""
    request = Request("GET", path)
    return Kind("fresh", rate, lambda _: (request, ""))


def kept_alive(rate: float, idle_s: float, path: str = VERSION) -> Kind:
    """Somebody who stays and asks again over the same connection after `idle_s`."""
    request = Request("GET", path)
    return Kind(f"kept alive {idle_s:g} s", rate, lambda _: (request, ""), keep=max(1, round(rate * idle_s)))


def slow_form(rate: float, run: str, takes_s: float = 5.0, pieces: int = 10) -> Kind:
    """Somebody on a train sends the contact form: the body takes `takes_s`."""

    def make(number: int) -> tuple[Request, str]:
        key = unique(run, number)
        fields = {
            "name": "Load",
            "email": "load@example.com",
            "topic": "other",
            "message": f"Form {key} of a load test. " + "Please ignore. " * 40,
        }
        body = json.dumps(fields).encode()
        size = -(-len(body) // pieces)
        cut = tuple(body[start : start + size] for start in range(0, len(body), size))
        headers = {"Content-Type": "application/json", "Idempotency-Key": key}
        return Request("POST", "/api/forms", headers, cut, takes_s / max(1, len(cut) - 1)), key

    return Kind("slow form", rate, make, timeout_s=takes_s + 30)


def upload(rate: float, run: str, takes_s: float = 5.0, size: int = 20 * MIB) -> Kind:
    """Somebody applies for a job: a document of `size` bytes, which takes `takes_s` or more."""

    def make(number: int) -> tuple[Request, str]:
        key = unique(run, number)
        first = f"%PDF-1.7\n{key}\n".encode().ljust(PIECE, b"%")
        pieces = (first, *(FILLING,) * (size // PIECE - 1))
        headers = {"Content-Type": "application/pdf"}
        return Request("POST", f"/api/uploads?filename={key}.pdf", headers, pieces, takes_s / len(pieces)), key

    return Kind("upload", rate, make, timeout_s=takes_s + 30)


def unique(run: str, number: int) -> str:
    """What the site may know a submission by: 16 to 64 letters, digits, - and _ (docker/backend/app/contact.py)."""
    return f"load-{run}-{number:07d}"
