"""Clients of the HTTP tests: one that speaks for an account, and one that writes raw bytes."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any
from uuid import UUID

import httpx
import msgspec

from api.problem_catalogue import CATALOGUE
from tests.support.openapi import check_described

MERGE_PATCH = "application/merge-patch+json"
DEADLINE = 30.0
"""Seconds that anything here may wait for the server."""

Headers = Mapping[str, str] | Sequence[tuple[str, str]] | Sequence[tuple[bytes, bytes]]
Body = bytes | str | Mapping[str, Any] | AsyncIterator[bytes] | None
"""What is sent: bytes and text as they are, a mapping as JSON, an iterator in chunks."""


class Client:
    """Sends requests for one account, or for nobody."""

    def __init__(
        self, http: httpx.AsyncClient, issue: Callable[[], str] | None, account_id: UUID
    ) -> None:
        self.http = http
        self._issue = issue
        self.account_id = account_id

    def token(self) -> str:
        """Get an access token of the account."""
        assert self._issue is not None, "nobody has no token"
        return self._issue()

    async def send(
        self,
        method: str,
        path: str,
        body: Body = None,
        *,
        headers: Headers = (),
        content_type: str | None = None,
    ) -> httpx.Response:
        """Send a request with these fields and no others of its own but Host and the token.

        A body that is a mapping is JSON: for PATCH a merge patch, unless `content_type` says
        otherwise.
        """
        request = self.request(method, path, body, headers=headers, content_type=content_type)
        answer = await self.http.send(request)
        check_every_answer(answer)
        return answer

    def request(
        self,
        method: str,
        path: str,
        body: Body = None,
        *,
        headers: Headers = (),
        content_type: str | None = None,
    ) -> httpx.Request:
        """Make a request as `send` sends it."""
        fields = list(httpx.Headers(headers).raw)
        names = {name.lower() for name, _ in fields}
        if self._issue is not None and b"authorization" not in names:
            fields.append((b"Authorization", f"Bearer {self.token()}".encode()))
        if isinstance(body, Mapping):
            body = msgspec.json.encode(body)
            content_type = content_type or _json_type(method)
        if content_type is not None:
            fields.append((b"Content-Type", content_type.encode()))
        return self.http.build_request(method, path, content=body, headers=fields)

    async def get(self, path: str, *, headers: Headers = ()) -> httpx.Response:
        """GET."""
        return await self.send("GET", path, headers=headers)

    async def head(self, path: str, *, headers: Headers = ()) -> httpx.Response:
        """HEAD."""
        return await self.send("HEAD", path, headers=headers)

    async def post(self, path: str, body: Body = None, *, headers: Headers = ()) -> httpx.Response:
        """POST."""
        return await self.send("POST", path, body, headers=headers)

    async def patch(self, path: str, body: Body, *, headers: Headers = ()) -> httpx.Response:
        """PATCH with a merge patch."""
        return await self.send("PATCH", path, body, headers=headers)

    async def delete(self, path: str, *, headers: Headers = ()) -> httpx.Response:
        """DELETE."""
        return await self.send("DELETE", path, headers=headers)


async def status_of(
    client: Client, method: str, path: str, body: Body = None, *, headers: Headers = ()
) -> int:
    """Give the status alone, also of an answer that never ends."""
    answer = await client.http.send(
        client.request(method, path, body, headers=headers), stream=True
    )
    await answer.aclose()
    return answer.status_code


def _json_type(method: str) -> str:
    return MERGE_PATCH if method == "PATCH" else "application/json"


ON_EVERY_ANSWER = frozenset(
    {
        "content-security-policy",
        "date",
        "referrer-policy",
        "x-content-type-options",
        "x-request-id",
    }
)
"""The fields whose presence `check_every_answer` requires, so that no other test needs to."""


def check_every_answer(answer: httpx.Response) -> None:
    """Require what holds for all answers, whatever was asked (HTTP contract, 7, 20 and 24)."""
    names = [name.lower() for name, _ in answer.headers.raw]
    assert len(names) == len(set(names)), f"a field comes twice: {names}"
    assert set(answer.headers) >= ON_EVERY_ANSWER
    assert "server" not in answer.headers
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "default-src" in answer.headers["content-security-policy"]
    UUID(answer.headers["x-request-id"])
    if answer.status_code in {204, 304}:
        assert not answer.headers.keys() & {"content-length", "content-type", "transfer-encoding"}
        assert answer.content == b""
    elif answer.request.method != "HEAD":
        assert answer.headers["content-length"] == str(len(answer.content))
    if answer.status_code >= HTTPStatus.BAD_REQUEST:
        _check_problem(answer)
    check_described(answer)


def fields(answer: httpx.Response) -> dict[str, str]:
    """Give the header fields of an answer, but for those that every answer has."""
    apart = ON_EVERY_ANSWER | {"content-length"}
    return {name: value for name, value in answer.headers.items() if name not in apart}


def if_match(tag: str) -> dict[str, str]:
    """Make the field that lets a change through only at this version."""
    return {"If-Match": tag}


def tag_of(response: httpx.Response) -> str:
    """Give the entity tag, as it stands in the field."""
    tag: str = response.headers["etag"]
    return tag


def problem(answer: httpx.Response, status: int, error: str) -> dict[str, Any]:
    """Require this problem and give its members."""
    members: dict[str, Any] = {} if answer.status_code < HTTPStatus.BAD_REQUEST else answer.json()
    assert (answer.status_code, members.get("error")) == (status, error), members
    return members


def _check_problem(answer: httpx.Response) -> None:
    """Require problem details that are whole, well formed (RFC 9457) and never stored."""
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    if answer.request.method == "HEAD":
        return
    members = answer.json()
    error = members["error"]
    assert answer.status_code == members["status"] == CATALOGUE[error].status
    assert members["type"].endswith(f"/problems/{error}")
    assert members["title"] == CATALOGUE[error].title
    assert members["detail"]
    assert members["requestId"] == answer.headers["x-request-id"]
    assert members["instance"] in {
        answer.request.url.raw_path.decode().partition("?")[0],
        f"urn:uuid:{members['requestId']}",  # of a request whose target was not looked at
    }


@asynccontextmanager
async def client_of_nobody(address: str) -> AsyncIterator[httpx.AsyncClient]:
    """Connect to a server, with none of the fields that httpx sends on its own.

    Whichever way it is used, and be it for answers that never end, their heads are those that the
    OpenAPI document has; `check_every_answer` looks at bodies as well.
    """

    async def check_head(answer: httpx.Response) -> None:
        check_described(answer, head_only=True)

    transport = httpx.AsyncHTTPTransport(verify=False, limits=httpx.Limits(max_connections=64))
    async with httpx.AsyncClient(
        base_url=address,
        transport=transport,
        timeout=DEADLINE,
        trust_env=False,
        event_hooks={"response": [check_head]},
    ) as http:
        http.headers.clear()
        yield http


class RawAnswer(msgspec.Struct, frozen=True):
    """An answer as it came over the wire."""

    status: int
    fields: list[tuple[str, str]]
    """In order, with names in lowercase."""
    body: bytes

    def field(self, name: str) -> str | None:
        """Give the value of a field that comes once at most."""
        values = [value for key, value in self.fields if key == name]
        assert len(values) <= 1, f"{name} came {len(values)} times"
        return values[0] if values else None

    def problem(self) -> dict[str, Any]:
        """Give the members of problem details."""
        assert self.field("content-type") == "application/problem+json", self
        members: dict[str, Any] = json.loads(self.body)
        return members


class RawConnection:
    """A connection on which a test writes what it likes; every wait has a deadline."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def send(self, data: bytes) -> None:
        """Write all of it, or as much as the server still reads."""
        self._writer.write(data)
        try:
            async with asyncio.timeout(DEADLINE):
                await self._writer.drain()
        except ConnectionError:
            return

    async def answer(self, method: str = "GET") -> RawAnswer:
        """Read one answer, to the last byte that its framing promises."""
        async with asyncio.timeout(DEADLINE):
            head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            status_line, *lines = head.removesuffix("\r\n\r\n").split("\r\n")
            status = int(status_line.split(" ")[1])
            pairs = (line.split(":", 1) for line in lines)
            fields = [(name.lower(), value.strip()) for name, value in pairs]
            return RawAnswer(status, fields, await self._body(method, status, dict(fields)))

    async def finish(self) -> bytes:
        """Close the direction towards the server, and give all that it still says."""
        async with asyncio.timeout(DEADLINE):
            try:
                self._writer.write_eof()
                return await self._reader.read()
            except (ConnectionError, OSError):
                return b""

    async def ended(self) -> bool:
        """Wait for the server to close, and tell whether it did so without another byte."""
        async with asyncio.timeout(DEADLINE):
            try:
                return await self._reader.read(1) == b""
            except ConnectionError:
                return True

    async def _body(self, method: str, status: int, fields: dict[str, str]) -> bytes:
        if method == "HEAD" or status in {204, 304}:
            return b""
        if "content-length" in fields:
            return await self._reader.readexactly(int(fields["content-length"]))
        body = b""
        while size := int(await self._reader.readline(), 16):
            body += (await self._reader.readexactly(size + 2))[:-2]
        await self._reader.readline()
        return body


@asynccontextmanager
async def raw_connection(
    host: str, port: int, *, tls: ssl.SSLContext | None = None
) -> AsyncIterator[RawConnection]:
    """Open a connection to write bytes on, inside TLS where that is given."""
    async with asyncio.timeout(DEADLINE):
        reader, writer = await asyncio.open_connection(host, port, ssl=tls)
    try:
        yield RawConnection(reader, writer)
    finally:
        writer.close()
        try:
            async with asyncio.timeout(DEADLINE):
                await writer.wait_closed()
        except ConnectionError:
            pass  # closed by the server, which is what some tests are about
