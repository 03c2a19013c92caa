"""Where a click on a link to another place may lead: the one decision behind `GET /go`.

The address is read as browsers read it (WHATWG URL), by a parser that is passed in. Whatever two
readers could take for two different hosts is refused before it is parsed.
"""

import re
from collections.abc import Callable
from collections.abc import Set as AbstractSet

import msgspec

from commands.outcomes import Malformed

MOST_CHARACTERS = 2048
"""Of an address, as it is given and as it is sent on."""

_SCHEME = "https://"
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_AUTHORITY_ENDS = re.compile(r"[/?#]")
_PORT = re.compile(r":([0-9]*)\Z", re.ASCII)
_DEFAULT_PORT = re.compile(r"0*443|", re.ASCII)


class WebAddress(msgspec.Struct, frozen=True):
    """An address as browsers understand it."""

    scheme: str
    """With its colon."""
    user_info: str
    host: str
    """Without the port; an IPv6 address in brackets."""
    port: str
    """Empty where it is the scheme's own."""
    path: str
    href: str
    """All of it, normalised: ASCII without spaces."""


Parse = Callable[[str], WebAddress | None]
"""Parses an address as browsers do (WHATWG URL); None where they could not open it."""


class Link(msgspec.Struct, frozen=True):
    """An address that may be followed."""

    address: str
    """Normalised, as it is sent to the browser."""
    counted_as: str
    """Its scheme, host and path. What may hold personal data or tokens, the query, is left out."""
    host: str


def judge_link(text: str | None, allowed: AbstractSet[str], parse: Parse) -> Link | Malformed:
    """Decide whether an address may be followed: https, an allowed host, and nothing hidden."""
    if text is None or text == "":
        return Malformed("url_missing", "url: The address to go to is missing.", "url")
    if len(text) > MOST_CHARACTERS:
        return Malformed(
            "url_too_long", f"url: An address has {MOST_CHARACTERS} characters at most.", "url"
        )
    if _CONTROL.search(text) is not None:
        return Malformed(
            "control_character_in_url",
            "url: Tabs, line breaks and other control characters are not taken.",
            "url",
        )
    if "\\" in text:
        return Malformed(
            "backslash_in_url", "url: Browsers read a backslash as a slash: write %5C.", "url"
        )
    if text[: len(_SCHEME)].lower() != _SCHEME:
        return Malformed("scheme_not_allowed", "url: The address must begin with https://.", "url")
    host = _plain_host(_AUTHORITY_ENDS.split(text[len(_SCHEME) :], maxsplit=1)[0])
    if isinstance(host, Malformed):
        return host
    parsed = parse(text)
    if parsed is None:
        return Malformed("invalid_url", "url: A browser could not open this address.", "url")
    plain = (parsed.scheme, parsed.user_info, parsed.port) == ("https:", "", "")
    if not plain or parsed.host != host or host not in allowed:
        return Malformed("domain_not_allowed", "url: Links to this host are not followed.", "url")
    if len(parsed.href) > MOST_CHARACTERS:
        return Malformed(
            "url_too_long",
            f"url: Percent-encoded, the address has more than {MOST_CHARACTERS} characters.",
            "url",
        )
    return Link(parsed.href, f"{_SCHEME}{host}{parsed.path}", host)


def _plain_host(authority: str) -> str | Malformed:
    """Give the host as it is written, in lower case, if nothing else stands around it."""
    if "@" in authority:
        return Malformed(
            "user_info_in_url", "url: A name or password before the host is not taken.", "url"
        )
    if not authority.isascii() or "%" in authority:
        return Malformed(
            "host_not_plain",
            "url: The host must be written in plain ASCII, without percent signs.",
            "url",
        )
    port = _PORT.search(authority)
    if port is not None and _DEFAULT_PORT.fullmatch(port[1]) is None:
        return Malformed(
            "port_not_allowed",
            "url: Only the port of https is taken, which need not be given.",
            "url",
        )
    host = authority if port is None else authority[: port.start()]
    if host.endswith("."):
        return Malformed("trailing_dot_in_host", "url: The host must not end in a dot.", "url")
    return host.lower()
