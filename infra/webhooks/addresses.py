"""Which addresses webhooks may be sent to: those of the public Internet, and no others.

Pure. Names are resolved in `sender.py`, which asks here of each address before it connects.
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

_GLOBAL_UNICAST = IPv6Network("2000::/3")
"""All that is assigned to anybody (IANA); what is not in it is local, reserved or multicast."""
_DOCUMENTATION = IPv6Network("3fff::/20")
"""Of no network (RFC 9637), which Python does not know yet."""
_NAT64 = IPv6Network("64:ff9b::/96")
"""How networks without IPv4 spell IPv4 addresses (RFC 6052)."""
_RELAYS = IPv4Network("192.88.99.0/24")
"""Of 6to4, and given up (RFC 7526): whoever announces it gets what is sent there."""
_LAST_32_BITS = 0xFFFF_FFFF


def is_public(text: str) -> bool:
    """Tell whether an address, as resolvers spell it, is one of the public Internet.

    An IPv6 address that stands for an IPv4 address is judged as that one. Those of tunnels (6to4,
    Teredo) are refused, as they lead to an address inside.
    """
    try:
        address = ip_address(text)
    except ValueError:
        return False
    if isinstance(address, IPv4Address):
        return _is_public_v4(address)
    inner = _inner(address)
    if inner is not None:
        return _is_public_v4(inner)
    return (
        address in _GLOBAL_UNICAST
        and address not in _DOCUMENTATION
        and address.scope_id is None
        and address.sixtofour is None
        and address.teredo is None
        and address.is_global
    )


def _is_public_v4(address: IPv4Address) -> bool:
    return address.is_global and not address.is_multicast and address not in _RELAYS


def _inner(address: IPv6Address) -> IPv4Address | None:
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return IPv4Address(int(address) & _LAST_32_BITS) if address in _NAT64 else None
