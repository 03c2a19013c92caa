"""Specifies which addresses can be registered: https, allowed hosts and ports, nothing hidden."""

import pytest

from commands.webhook_address import judge_address
from domain.refusal import RejectedByValue
from infra.links import parse_web_address
from tests.commands.evil_links import EVIL, GOOD

ALLOWED = frozenset({"hooks.example", "other.example:8443"})


@pytest.mark.parametrize(
    ("given", "sent_to"),
    [
        ("https://hooks.example", "https://hooks.example/"),
        ("https://hooks.example/in?a=b", "https://hooks.example/in?a=b"),
        ("HTTPS://HOOKS.example:443/in", "https://hooks.example/in"),
        ("https://other.example:8443/in", "https://other.example:8443/in"),
        ("https://hooks.example/ü", "https://hooks.example/%C3%BC"),
    ],
)
def test_what_is_allowed_is_normalised(given: str, sent_to: str) -> None:
    """One spelling of each address, which is what is sent to."""
    assert judge_address(given, ALLOWED, parse_web_address) == sent_to


@pytest.mark.parametrize("address", [each for found in EVIL.values() for each in found])
def test_what_links_may_not_be_webhooks_may_not_be(address: str) -> None:
    """The addresses by which others deceive readers are refused here as well."""
    allowed = frozenset({GOOD, f"b.{GOOD}"})

    assert isinstance(judge_address(address, allowed, parse_web_address), RejectedByValue)


@pytest.mark.parametrize(
    "address",
    [
        "http://hooks.example/",
        "https://hooks.example:8443/",
        "https://other.example/",
        "https://other.example:8444/",
        "https://hooks.example./",
        "https://sub.hooks.example/",
        "https://hooks.example@127.0.0.1/",
        "https://user:password@hooks.example/",
        "https://@hooks.example/",
        "https://127.0.0.1/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://169.254.169.254/latest/meta-data/",
        "https://hooks.example\\@evil.example/",
        "https://evil.example\\.hooks.example/",
        "https:/hooks.example/",
        "https:hooks.example/",
        "https://hooks.example/ a",
        "https://hooks.example/\r\nhost: x",
        "https://hooks.example/#part",
        "https://hooks%2eexample/",
        "https://h\u043eoks.example/",
        "https://hooks.example:99999/",
        "https:///hooks.example/",
        "//hooks.example/",
        "file:///etc/passwd",
        "",
        "https://hooks.example/" + "a" * 2048,
        "https://hooks.example/" + "ü" * 1000,
    ],
)
def test_anything_else_is_refused(address: str) -> None:
    """By the text alone, whatever the name leads to."""
    refused = judge_address(address, ALLOWED, parse_web_address)

    assert isinstance(refused, RejectedByValue)
    assert (refused.error, refused.member) == ("address_not_allowed", "url")
