"""Who sent the request, seen through the proxies in front of us."""

import ipaddress

from starlette.datastructures import Headers


def client_ip(headers: Headers, peer: tuple[str, int] | None, trusted_hops: int) -> str:
    """Return the visitor's address as the outermost of TRUSTED_HOPS proxies saw it.

    Each proxy appends the address it was called from, so with n proxies the n-th entry from the right was written by
    the outermost one; whatever stands further left came with the request and is not believed. A request that passed
    fewer proxies (a health check, a colleague inside the network) is known by its leftmost entry, or by its peer.
    """
    direct = peer[0] if peer else "unknown"
    if trusted_hops == 0:
        return direct
    chain = [part.strip() for line in headers.getlist("x-forwarded-for") for part in line.split(",") if part.strip()]
    if not chain:
        return direct
    return _normal(chain[-min(trusted_hops, len(chain))]) or direct


def _normal(text: str) -> str | None:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return None
