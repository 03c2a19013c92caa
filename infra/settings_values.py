"""Parsing one setting's text: addresses, hosts, networks and URLs.

Pure functions that return the parsed value or raise ValueError with a message that never repeats
a secret. The settings themselves are in infra/settings.py.
"""

import re
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from urllib.parse import SplitResult, parse_qsl, quote, urlencode, urlsplit, urlunsplit

Network = IPv4Network | IPv6Network

REDACTED = "***"
_MAX_PORT = 65535
_HTTPS_PORT = 443
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_ATOM = r"[\w!#$%&'*+/=?^`{|}~-]+"
_LOCAL_PART = re.compile(rf"{_ATOM}(\.{_ATOM})*", re.ASCII)
"""A Dot-string of RFC 5321 (section 4.1.2)."""
_LONGEST_LOCAL_PART = 64
_SECRET_PARAMETER = re.compile(r"password|passwd|secret|token|key|credential", re.IGNORECASE)


def split_address(text: str) -> tuple[str, int]:
    """Split `host:port` or `[ipv6]:port`; the host comes back without brackets."""
    host, colon, port = text.rpartition(":")
    if not colon:
        raise ValueError("must be HOST:PORT, such as 127.0.0.1:8000")
    if not (port.isascii() and port.isdigit() and int(port) <= _MAX_PORT):
        raise ValueError(f"has port {port!r}; a port is a number from 0 to {_MAX_PORT}")
    return parse_host(host).strip("[]"), int(port)


def parse_host(text: str) -> str:
    """Return a host name, an IPv4 address or a bracketed IPv6 address, in lower case."""
    host = text.strip().lower()
    if host.startswith("[") and host.endswith("]"):
        try:
            return f"[{ip_address(host[1:-1]).compressed}]"
        except ValueError:
            raise ValueError(f"has {text!r}, which is not an IPv6 address") from None
    if not all(_LABEL.fullmatch(label) for label in host.split(".")):
        raise ValueError(f"has {text!r}, which is not a host name or address without a port")
    return host


def parse_webhook_host(text: str) -> str:
    """Return a host name to which webhooks may be sent, with its port unless that is 443."""
    place = text.strip()
    host, number = split_address(place) if ":" in place else (parse_host(place), _HTTPS_PORT)
    # A name whose last label is a number, also a hexadecimal one, is an address (WHATWG URL).
    if not is_public_name(host) or _NUMBER.fullmatch(host.rpartition(".")[2]) or not number:
        raise ValueError(f"has {text!r}, which is not the name of a host, perhaps with a port")
    return host if number == _HTTPS_PORT else f"{host}:{number}"


def parse_network(text: str) -> Network:
    """Return an IP address or network such as 10.0.0.0/8."""
    try:
        return ip_network(text.strip())
    except ValueError as error:
        raise ValueError(f"has {text!r}: {error}") from None


def split_list(text: str) -> tuple[str, ...]:
    """Split a comma-separated setting; an empty text is an empty list."""
    items = tuple(item.strip() for item in text.split(","))
    if items == ("",):
        return ()
    if "" in items:
        raise ValueError("has an empty item between commas")
    return items


def check_url(text: str, schemes: tuple[str, ...]) -> str:
    """Check that a URL has one of these schemes and says where its service is."""
    parts = _split_url(text)
    if parts.scheme not in schemes:
        raise ValueError(f"must start with {' or '.join(f'{s}://' for s in schemes)}")
    if not (parts.hostname or parts.path.strip("/") or "host=" in parts.query):
        raise ValueError("names no host")
    return text


def check_public_url(text: str) -> str:
    """Check an absolute http(s) URL and return it without a trailing slash."""
    parts = _split_url(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("must be an absolute http:// or https:// URL")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("must have no user, query or fragment")
    parse_host(host_of(text))
    return text.rstrip("/")


def check_mail_url(text: str) -> str:
    """Check the URL of a folder (`file:`) or of a mail server (`smtp:`, `smtps:`)."""
    parts = _split_url(text)
    beside = parts.query or parts.fragment
    if parts.scheme == "file":
        if beside or parts.netloc or not parts.path.startswith("/"):
            raise ValueError("must be file:///FOLDER, with the whole path")
        return text
    if parts.scheme not in {"smtp", "smtps"}:
        raise ValueError("must start with smtp:// or smtps:// or file://")
    if beside or not parts.hostname or parts.path.strip("/"):
        raise ValueError(
            f"must be {parts.scheme}://USER:PASSWORD@HOST:PORT, special characters as %XX"
        )
    if bool(parts.username) != bool(parts.password):
        raise ValueError("must have a user and a password, or neither")
    parse_host(host_of(text))
    return text


def check_mail_address(text: str) -> str:
    """Check the address that messages come from: plain ASCII, without a name beside it."""
    local, _, domain = text.rpartition("@")
    fits = len(local) <= _LONGEST_LOCAL_PART and _LOCAL_PART.fullmatch(local)
    if not fits or domain.startswith("["):
        raise ValueError("must be an address such as ledgerpress@example.org")
    return f"{local}@{parse_host(domain)}"


def is_public_name(host: str) -> bool:
    """Tell whether a checked host is a name, neither an address nor this machine's own."""
    if host.rpartition(".")[2] == "localhost":
        return False
    try:
        ip_address(host.strip("[]"))
    except ValueError:
        return True
    return False


def host_of(url: str) -> str:
    """Return the host of a checked URL as it stands in a Host header, without its port."""
    host = urlsplit(url).hostname or ""
    return f"[{host}]" if ":" in host else host


def redact_url(url: str) -> str:
    """Return the URL with passwords, tokens and secret parameters replaced by ***."""
    parts = urlsplit(url)
    user, at, place = parts.netloc.rpartition("@")
    if at:
        name, colon, _ = user.partition(":")
        # NATS takes a token alone before the @: a name without a password may be the secret.
        user = f"{name}:{REDACTED}" if colon else REDACTED
    query = urlencode(
        [
            (name, REDACTED if _SECRET_PARAMETER.search(name) else value)
            for name, value in parse_qsl(parts.query, keep_blank_values=True)
        ],
        quote_via=lambda text, *_: quote(text, safe="/:*"),
    )
    return urlunsplit(parts._replace(netloc=f"{user}{at}{place}", query=query))


def _split_url(text: str) -> SplitResult:
    if " " in text or not text.isprintable():
        raise ValueError("is not a valid URL")
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        raise ValueError("is not a valid URL") from None
    return parts
