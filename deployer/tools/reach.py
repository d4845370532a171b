"""How a URL of a load balancer is reached from this machine."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit


def reachable(url: str) -> tuple[str, dict[str, str]]:
    """Return the URL to connect to and the headers to send with it.

    curl and browsers take every `*.localhost` for this machine, Python's resolver does not (measured): such a name goes
    into the Host header, by which the local cloud tells its load balancers apart.
    """
    parts = urlsplit(url)
    if not (parts.hostname or "").endswith(".localhost"):
        return url, {}
    port = f":{parts.port}" if parts.port else ""
    return urlunsplit(parts._replace(netloc=f"127.0.0.1{port}")), {"Host": parts.netloc}
