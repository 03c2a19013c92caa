"""Email addresses of every odd kind: taken or refused with a reason, and compared."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.identity.email_address import email_fault
from infra.identity.personal_data import normalised_email

CYRILLIC_A = "\N{CYRILLIC SMALL LETTER A}"


@pytest.mark.parametrize(
    "text",
    [
        "a@b",
        "ada@demo.example",
        "root@localhost",
        "ada@printer.local",
        "ada@test.example",
        " ada@example.org ",
        "\tada@example.org\r\n",
        "Ada.LOVELACE@Example.ORG",
        "o'neil+tag@sub.example.org",
        "!#$%&'*+-/=?^_`{|}~@example.org",
        "1@2.example",
        "用户@例え.jp",
        "ada@xn--r8jz45g.jp",
        "ada@straße.example",
        "ada@example。org",
        "jos\u00e9@example.org",
        "jose\u0301@example.org",
        f"{CYRILLIC_A}da@example.org",
        "🔒@example.org",
        f"{'a' * 64}@example.org",
        f"{'a' * 242}@example.org",
    ],
)
def test_taken(text: str) -> None:
    """What may be an address is taken for one, of any script and in any case."""
    assert email_fault(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "@",
        "ada",
        "ada@",
        "@example.org",
        "ada@@example.org",
        "ada@b@example.org",
        "ada lovelace@example.org",
        "ada@exam ple.org",
        "a\n@example.org",
        "ada@example.org\nbcc: eve@example.org",
        "a\0@example.org",
        "ada@example.org\0",
        "a\ud800@example.org",
        "ada@\udfffexample.org",
        "ada\u202egro.elpmaxe@example.org",
        "ada\u200b@example.org",
        "ada\ufeff@example.org",
        "ada@example.org.",
        "ada@.example.org",
        "ada@example..org",
        ".ada@example.org",
        "ada.@example.org",
        "a..da@example.org",
        "ada@-example.org",
        "ada@example-.org",
        "ada@exa_mple.org",
        "ada@🔒.example",
        "ada@xn--a.example",
        '"ada lovelace"@example.org',
        '"@"@example.org',
        "ada(comment)@example.org",
        "ada@example.org(comment)",
        "Ada <ada@example.org>",
        "<ada@example.org>",
        "mailto:ada@[::1]",
        "ada@[127.0.0.1]",
        "ada@[IPv6:::1]",
        "ada@127.0.0.1",
        "ada@example.org,eve@example.org",
        "ada@example.org;eve@example.org",
        "ada@service.invalid",
        "ada@hidden.onion",
        f"{'a' * 243}@example.org",
        f"{'a' * 308}@example.org",
        f"{'é' * 122}@example.org",
        f"ada@{'x' * 64}.org",
        f"ada@{'é.' * 100}org",
        "a@" * 500_000,
        "a" + "\u0300\u0316" * 500_000,
    ],
)
def test_refused(text: str) -> None:
    """What cannot be an address, or serves to deceive, is refused with a reason, and soon."""
    fault = email_fault(text)

    assert fault is not None
    assert fault.startswith(("is not an email address: ", "is longer than 254 bytes"))


@given(st.text(max_size=60), st.text(max_size=60))
def test_any_text(local: str, domain: str) -> None:
    """Any text is judged; what is taken has one part on each side of one @."""
    text = f"{local}@{domain}"

    if email_fault(text) is None:
        assert normalised_email(text).count("@") == 1
