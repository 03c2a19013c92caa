"""Reads addresses as browsers do (WHATWG URL), by ada."""

import ada_url

from commands.links import WebAddress


def parse_web_address(text: str) -> WebAddress | None:
    """Parse an absolute address; None where a browser could not open it."""
    try:
        url = ada_url.URL(text)
    except ValueError:
        return None
    return WebAddress(
        scheme=url.protocol,
        user_info=url.username + url.password,
        host=url.hostname,
        port=url.port,
        path=url.pathname,
        href=url.href,
    )
