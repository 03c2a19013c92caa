"""Whether our document has an answer, and what was asked where that was not refused."""

from collections.abc import Iterator
from typing import Any

import httpx

from tests.support.http import RawAnswer
from tests.support.openapi_check import Description, UndescribedError

_HEAD_END = b"\r\n\r\n"
_READS = frozenset({b"GET", b"HEAD"})
_FOR_MACHINES = frozenset({b"/livez", b"/readyz", b"/metrics"})
"""Only reads that people and programs put questions to refuse parameters that they do not know."""
_NO_MEANING = frozenset({b"GET", b"HEAD", b"OPTIONS"})
"""Whose bodies mean nothing, and are not looked at (RFC 9110, 9.3.1)."""


class Truth:
    """The document, to be held against what went over the wire."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._description = Description(document)

    def untold(self, request: bytes, answer: RawAnswer) -> str | None:
        """Say what the document does not have; None where it has all of it."""
        asked = _asked(request)
        if asked is None:
            return None  # no client could have sent it, and the raw corpus judges such answers
        fields = [(name.encode(), value.encode("latin-1")) for name, value in answer.fields]
        seen = httpx.Response(answer.status, headers=fields, content=answer.body, request=asked)
        try:
            self._description.check(seen, head_only=_is_stream(answer))
        except UndescribedError as fault:
            return f"not as described: {fault}"
        return None


def _is_stream(answer: RawAnswer) -> bool:
    return (answer.field("content-type") or "").startswith("text/event-stream")


def _asked(request: bytes) -> httpx.Request | None:
    head, _, body = request.partition(_HEAD_END)
    line, *lines = head.split(b"\r\n")
    method, target, _ = line.split(b" ", 2)
    path, _, _ = target.partition(b"?")
    if method not in _READS or path in _FOR_MACHINES:
        target = path
    pairs = [each.partition(b":") for each in lines if not each.startswith((b" ", b"\t"))]
    fields = [(name.strip(), value.strip(b" \t")) for name, _, value in pairs if name.strip()]
    if method in _NO_MEANING:
        body = b""
    chunked = any(name.lower() == b"transfer-encoding" for name, _ in fields)
    try:
        url = httpx.URL(f"http://api.example{target.decode('ascii')}")
        content = _in_chunks(body) if chunked else body
        return httpx.Request(method.decode("ascii"), url, headers=fields, content=content)
    except (httpx.InvalidURL, ValueError):
        return None


def _in_chunks(body: bytes) -> Iterator[bytes]:
    yield body
