"""Specifies which addresses are of the public Internet."""

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.webhooks.addresses import is_public

INSIDE = [
    "0.0.0.0",  # noqa: S104 - no binding, an address that must be refused
    "0.1.2.3",
    "10.0.0.1",
    "10.255.255.255",
    "100.64.0.1",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.0.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:0:10.0.0.1",
    "::10.0.0.1",
    "64:ff9b::10.0.0.1",
    "64:ff9b::169.254.169.254",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:db8::1",
    "2001:10::1",
    "2002:a00:1::1",
    "2002:808:808::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
    "3fff::1",
    "localhost",
    "0x7f.1",
    "2130706433",
    "127.1",
    "1.2.3",
    "1.2.3.4/32",
]
OUTSIDE = [
    "1.1.1.1",
    "8.8.8.8",
    "93.184.216.34",
    "172.32.0.1",
    "100.128.0.1",
    "192.0.1.1",
    "2606:4700:4700::1111",
    "2a00:1450:4001:80b::200e",
    "::ffff:8.8.8.8",
    "64:ff9b::8.8.8.8",
]


@pytest.mark.parametrize("address", INSIDE)
def test_what_is_inside_is_refused(address: str) -> None:
    """This machine, its networks, tunnels into them, and whatever is no address."""
    assert not is_public(address)


@pytest.mark.parametrize("address", OUTSIDE)
def test_what_is_outside_is_allowed(address: str) -> None:
    """Also where IPv6 stands for an IPv4 address."""
    assert is_public(address)


@given(st.ip_addresses(v=4))
def test_an_address_is_judged_alike_however_it_is_spelled(address: IPv4Address) -> None:
    """Mapped and translated ones are as good as the one that they stand for."""
    number = int(address)

    assert is_public(f"::ffff:{address}") == is_public(str(address))
    assert is_public(str(IPv6Address((0x64FF9B << 96) | number))) == is_public(str(address))


@given(st.ip_addresses(v=6))
def test_nothing_local_is_public(address: IPv6Address) -> None:
    """Whatever Python knows to be special is refused."""
    special = (
        address.is_private
        or address.is_loopback
        or address.is_link_local
        or address.is_site_local
        or address.is_multicast
        or address.is_unspecified
    )

    assert not (special and is_public(str(address)) and address.ipv4_mapped is None)
