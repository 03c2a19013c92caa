"""Which address a request counts as coming from."""

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from api.client_address import Network, client_address
from api.headers import Headers

TRUSTED: tuple[Network, ...] = (
    ip_network("10.0.0.0/8"),
    ip_network("127.0.0.1"),
    ip_network("fd00::/8"),
)
PROXY = ("10.0.0.1", 4711)
CLIENT = "203.0.113.7"


def seen(
    *lines: str, peer: tuple[str, int] | None = PROXY, trusted: tuple[Network, ...] = TRUSTED
) -> str:
    """Give the address for a request with these lines of X-Forwarded-For."""
    raw = [(b"x-forwarded-for", line.encode("latin-1")) for line in lines]
    return client_address(peer, Headers([(b"host", b"x"), *raw]), trusted)


@pytest.mark.parametrize(
    ("lines", "address"),
    [
        ((), "10.0.0.1"),
        ((CLIENT,), CLIENT),
        (("1.1.1.1, 203.0.113.7",), CLIENT),
        (("1.1.1.1", "203.0.113.7"), CLIENT),
        (("1.1.1.1, 203.0.113.7, 10.2.3.4",), CLIENT),
        (("1.1.1.1", "203.0.113.7 ,10.2.3.4", "fd00::1"), CLIENT),
        ((" \t203.0.113.7\t ",), CLIENT),
        (("203.0.113.7,",), CLIENT),
        ((",, 203.0.113.7 , ,", ""), CLIENT),
        (("203.0.113.7:55",), CLIENT),
        (("[::1]:55",), "::1"),
        (("[2001:db8::1]",), "2001:db8::1"),
        (("2001:DB8:0:0::1",), "2001:db8::1"),
        (("::ffff:203.0.113.7",), CLIENT),
        (("[::ffff:203.0.113.7]:80",), CLIENT),
        (("1.1.1.1, ::ffff:203.0.113.7, ::ffff:10.1.1.1",), CLIENT),
        (("fe80::1%eth0",), "fe80::1"),
        (("10.0.0.3, 10.0.0.2",), "10.0.0.3"),
    ],
)
def test_behind_trusted_proxies(lines: tuple[str, ...], address: str) -> None:
    """The right-most hop that is not trusted is the client, else the farthest that is."""
    assert seen(*lines) == address


@pytest.mark.parametrize(
    "hop",
    [
        "unknown",
        "_hidden",
        "203.0.113",
        "203.0.113.07",
        "203.0.113.7:",
        "203.0.113.7:99999",
        "203.0.113.7:8x",
        "203.0.113.7:\xb2",
        "203.0.113.7/32",
        "[203.0.113.7]",
        "[::1",
        "[::1]x",
        "[::1]:",
        "[]",
        "::1]",
        '"203.0.113.7"',
        "203.0.113.7 203.0.113.8",
        "for=203.0.113.7",
        "3405803783",
        "\xff",
    ],
)
def test_a_malformed_hop_ends_the_way(hop: str) -> None:
    """What a proxy wrote in place of an address is not taken, nor is anything left of it."""
    assert seen(f"1.1.1.1, {hop}") == "10.0.0.1"
    assert seen(f"1.1.1.1, {hop}, 10.9.9.9") == "10.9.9.9"


@pytest.mark.parametrize("peer", [None, ("", 0), ("client", 1)])
def test_a_peer_without_an_address_is_this_machine(peer: tuple[str, int] | None) -> None:
    """A unix socket's peer is believed exactly where 127.0.0.1 is."""
    assert seen(CLIENT, peer=peer) == CLIENT
    assert seen(CLIENT, peer=peer, trusted=()) == "127.0.0.1"


def test_a_mapped_peer_is_what_it_maps() -> None:
    """A socket for both families writes IPv4 peers as IPv6; they are the same proxy."""
    assert seen(CLIENT, peer=("::ffff:10.0.0.1", 1)) == CLIENT
    assert seen(peer=("::ffff:203.0.113.7", 1)) == CLIENT


LINES = st.lists(
    st.one_of(
        st.text(st.characters(max_codepoint=255), max_size=30),
        st.lists(
            st.sampled_from(["1.1.1.1", "10.0.0.1", "127.0.0.1", "::1", "", "[", "x", "fd00::2"]),
            max_size=6,
        ).map(",".join),
    ),
    max_size=4,
)
UNTRUSTED = (st.ip_addresses(v=4) | st.ip_addresses(v=6)).filter(
    lambda a: not any((getattr(a, "ipv4_mapped", None) or a) in network for network in TRUSTED)
)
PROXIES = st.lists(st.sampled_from(["10.0.0.1", "10.255.0.9", "fd00::7", "127.0.0.1"]), max_size=4)


@given(lines=LINES, client=UNTRUSTED)
def test_a_client_without_a_proxy_is_its_peer(lines: list[str], client: object) -> None:
    """Whatever it sends, a client that calls directly is known by the address it calls from."""
    assert seen(*lines, peer=(str(client), 5)) == seen(peer=(str(client), 5))


@given(lines=LINES, client=UNTRUSTED, proxies=PROXIES, apart=st.booleans())
@example(lines=["1.1.1.1,"], client=ip_address("203.0.113.7"), proxies=[], apart=False)
def test_a_client_behind_proxies_is_who_called_the_first(
    lines: list[str], client: object, proxies: list[str], *, apart: bool
) -> None:
    """Whatever it sends, what the proxies appended counts, in the client's line or in their own."""
    sent = list(lines)
    for address in [str(client), *proxies]:
        if apart or not sent:
            sent.append(address)
        else:
            sent[-1] += f", {address}"

    assert seen(*sent) == seen(peer=(str(client), 5))
