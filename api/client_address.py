"""The address that a request comes from, where proxies of ours stand before the server.

Only the reading of the peer and of X-Forwarded-For lives here.
"""

from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from api.headers import Headers

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_THIS_MACHINE = IPv4Address("127.0.0.1")
_MAX_PORT = 65535


def client_address(
    peer: tuple[str, int] | None, headers: Headers, trusted: Sequence[Network]
) -> str:
    """Give the address of the last hop before the trusted ones, as ASGI's `client` and headers say.

    Each proxy appends the address that it was called from, so the field is read from its right end,
    and no further than to the first hop that is not trusted: whatever is left of it that hop may
    have made up. A hop that is no address ends the way as well, at the one that reported it. A peer
    without an address (a unix socket) is a process of this machine and counts as 127.0.0.1.
    """
    address = _parse(peer[0]) if peer else None
    if address is None:
        address = _THIS_MACHINE
    for hop in _hops(headers):
        if not any(address in network for network in trusted):
            break
        caller = _parse(hop)
        if caller is None:
            break
        address = caller
    return str(address)


def is_trusted_proxy(peer: tuple[str, int] | None, trusted: Sequence[Network]) -> bool:
    """Tell whether a request was handed over by a proxy of ours; `peer` is as for the address."""
    address = _parse(peer[0]) if peer else None
    return any((address or _THIS_MACHINE) in network for network in trusted)


def _hops(headers: Headers) -> Iterator[str]:
    """Go through the hops, the nearest first; empty members are none (RFC 9110, section 5.6.1)."""
    for line in reversed(headers.all(b"x-forwarded-for")):
        for member in reversed(line.split(",")):
            hop = member.strip(" \t")
            if hop:
                yield hop


def _parse(hop: str) -> Address | None:
    try:
        address = ip_address(_without_port(hop))
    except ValueError:
        return None
    if isinstance(address, IPv4Address):
        return address
    # An IPv4 client of a socket for both, or a zone such as fe80::1%eth0.
    return address.ipv4_mapped or IPv6Address(int(address))


def _without_port(hop: str) -> str:
    """Take the port off `1.2.3.4:80` and `[::1]:80`; raises ValueError for a malformed one."""
    if hop.startswith("["):
        host, bracket, rest = hop[1:].partition("]")
        if not bracket or ":" not in host or (rest and not rest.startswith(":")):
            raise ValueError(hop)
        port = rest[1:] if rest else "0"
    elif hop.count(":") == 1:
        host, _, port = hop.partition(":")
    else:
        return hop
    if not (port.isascii() and port.isdigit() and int(port) <= _MAX_PORT):
        raise ValueError(hop)
    return host
