"""Where a webhook may send to: the one decision about the address that operators register.

What is decided here is the text alone. That a name leads to the public Internet is looked at before
each connection, as it may change at any time: see `infra/webhooks/sender.py`.
"""

import re
from collections.abc import Set as AbstractSet

from commands.links import Parse
from domain.refusal import RejectedByValue

MOST_CHARACTERS = 2048

_SCHEME = "https://"
_DEFAULT_PORT = ":443"
_CONTROL = re.compile(r"[\x00-\x20\x7f-\x9f\u2028\u2029]")
_AUTHORITY_ENDS = re.compile(r"[/?#]")


def judge_address(text: str, allowed: AbstractSet[str], parse: Parse) -> str | RejectedByValue:
    """Give an address as it is sent to: https, an allowed host and port, and nothing hidden.

    `allowed` holds hosts, each with its port unless that is 443. They are names, so an address that
    is written as numbers, in whatever way, is none of them.
    """
    if len(text) > MOST_CHARACTERS:
        return _refused(f"An address has {MOST_CHARACTERS} characters at most.")
    if _CONTROL.search(text) is not None or "\\" in text:
        return _refused("Blanks, control characters and backslashes are not taken.")
    if text[: len(_SCHEME)].lower() != _SCHEME:
        return _refused("The address must begin with https://.")
    if "#" in text:
        return _refused("A fragment would not be sent.")
    authority = _AUTHORITY_ENDS.split(text[len(_SCHEME) :], maxsplit=1)[0]
    if "@" in authority:
        return _refused("A name or password before the host is not taken.")
    if not authority.isascii() or "%" in authority:
        return _refused("The host must be written in plain ASCII, without percent signs.")
    parsed = parse(text)
    if parsed is None or parsed.scheme != "https:":
        return _refused("It is no address.")
    if len(parsed.href) > MOST_CHARACTERS:
        return _refused(f"An address has {MOST_CHARACTERS} characters at most, percent-encoded.")
    place = f"{parsed.host}:{parsed.port}" if parsed.port else parsed.host
    # Whatever two readers could take for two different hosts is none of these.
    written = authority.lower().removesuffix(_DEFAULT_PORT)
    if place not in allowed or written != place:
        return _refused("Nothing is sent to this host and port.")
    return parsed.href


def _refused(why: str) -> RejectedByValue:
    return RejectedByValue("address_not_allowed", f"url: {why}", "url")
