"""Sends what is generated, one request after the other, and judges every answer."""

import asyncio
import json
import re
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from tests.hostile.generated import Generator, Known, Operation, Sent, operations
from tests.hostile.judging import OK, REFUSED, Tally
from tests.hostile.target import CALLERS, Target
from tests.hostile.truth import Truth
from tests.support.http import DEADLINE, RawAnswer, RawConnection, raw_connection
from tests.support.posts import a_draft
from tests.support.uploading import FORM, a_png, form, part

_HEAD = re.compile(rb"HTTP/1\.1 (\d{3})[^\r\n]*((?:\r\n[^\r\n]+)*)\r\n\r\n")
_STREAM = "text/event-stream"
_CONFLICT = 409


class _HeadsOfStreams(RawConnection):
    """Reads no body of an answer that never ends."""

    async def _body(self, method: str, status: int, fields: dict[str, str]) -> bytes:
        if fields.get("content-type", "").startswith(_STREAM):
            return b""
        return await super()._body(method, status, fields)


def _host_and_port(address: str) -> tuple[str, int]:
    at = urlsplit(f"//{address}")
    return at.hostname or "", at.port or 0


def _answers(heard: bytes, sent: bytes) -> tuple[list[RawAnswer], bytes]:
    """Take all answers apart, interim ones aside, and give what is left over."""
    answers: list[RawAnswer] = []
    while match := _HEAD.match(heard):
        heard = heard[match.end() :]
        status = int(match[1])
        if status < OK:
            continue
        lines = match[2].decode("latin-1").split("\r\n")[1:]
        pairs = [line.split(":", 1) for line in lines]
        found = [(name.lower(), value.strip()) for name, value in pairs]
        bare = not answers and sent.startswith(b"HEAD ")
        length = 0 if bare else int(dict(found).get("content-length", "0"))
        answers.append(RawAnswer(status, found, heard[:length]))
        heard = heard[length:]
    return answers, heard


class Line:
    """A connection that is opened again where the server closed it."""

    def __init__(self, address: str) -> None:
        self._at = urlsplit(f"//{address}")
        self._writer: asyncio.StreamWriter | None = None
        self._connection: _HeadsOfStreams | None = None

    async def ask(self, method: str, request: bytes) -> RawAnswer | None:
        """Give the answer, or nothing where the server said nothing whole."""
        if self._connection is None:
            async with asyncio.timeout(DEADLINE):
                reader, self._writer = await asyncio.open_connection(
                    self._at.hostname, self._at.port
                )
            self._connection = _HeadsOfStreams(reader, self._writer)
        await self._connection.send(request)
        try:
            answer = await self._connection.answer(method)
        except (asyncio.IncompleteReadError, ConnectionError, TimeoutError):
            await self.close()
            return None
        streams = (answer.field("content-type") or "").startswith(_STREAM)
        if streams or answer.field("connection") == "close":
            await self.close()
        return answer

    async def close(self) -> None:
        """Close it."""
        writer, self._writer, self._connection = self._writer, None, None
        if writer is None:
            return
        writer.close()
        try:
            async with asyncio.timeout(DEADLINE):
                await writer.wait_closed()
        except ConnectionError:
            pass  # closed by the server first


def _count(operation: Operation, caller: str, each: int) -> int:
    """Say how often to ask: most by those who may, so that not all of it ends at the door."""
    if operation.method == "OPTIONS":
        return max(1, each // 5)  # what is derived is alike everywhere
    return 2 * each if caller == operation.caller else max(1, each // 3)


class Attack:
    """A run of generated requests against one process."""

    def __init__(self, target: Target, tally: Tally) -> None:
        self._target = target
        self._tally = tally
        self._line = Line(target.address)
        self.known: Known | None = None
        self._truth: Truth | None = None
        self.asked: set[str] = set()
        self.reached: set[str] = set()
        """Operations that answered with 2xx or 3xx at least once."""

    @property
    def refused_always(self) -> set[str]:
        """Operations that never did anything but refuse."""
        return self.asked - self.reached

    async def generated(self, seed: int, each: int) -> None:
        """Send so many requests for each operation and kind of caller."""
        target = self._target
        answer = await self._line.ask("GET", self._plain("GET", "/openapi.json", None))
        assert answer is not None
        document = json.loads(answer.body)
        known = self.known = self.known or Known(document, seed)
        generator = Generator(document, target.address, known, seed)
        await self._furnish(known, seed)
        self._truth = Truth(document)
        for operation in operations(document):
            for caller in CALLERS:
                await self._send(generator, operation, caller, _count(operation, caller, each))
        await self._line.close()

    async def _send(
        self, generator: Generator, operation: Operation, caller: str, each: int
    ) -> None:
        token = await self._target.token(caller)
        await self._all(generator.requests(operation, token, each))
        self._tally.settle(await self._target.causes())
        if token is not None and not await self._target.still_is(caller):
            self._target.forget(caller)

    async def _all(self, requests: Iterable[Sent]) -> None:
        for sent in requests:
            self.asked.add(sent.name)
            answer = await self._line.ask(sent.method, sent.request)
            if answer is None:
                # The server may have closed an idle connection; a second time tells.
                answer = await self._line.ask(sent.method, sent.request)
            if answer is None:
                self._tally.fault(sent.name, "no answer", sent.request, b"")
                continue
            self._tally.judge(sent.name, sent.method, sent.request, answer)
            untold = None if self._truth is None else self._truth.untold(sent.request, answer)
            if untold is not None:
                self._tally.fault(sent.name, untold, sent.request, answer.body[:400])
            if answer.status < REFUSED:
                self.reached.add(sent.name)
                location = answer.field("location")
                if location is not None and self.known is not None:
                    self.known.learn(location)

    async def raw(self, corpus: Mapping[str, bytes]) -> None:
        """Send each byte sequence on a connection of its own, and judge all that comes back."""
        target, tally = self._target, self._tally
        for name, sent in corpus.items():
            async with raw_connection(*_host_and_port(target.address)) as connection:
                await connection.send(sent)
                heard = await connection.finish()
            answers, rest = _answers(heard, sent)
            for answer in answers:
                tally.judge(name, sent.partition(b" ")[0].decode("latin-1"), sent, answer)
                tally.must_store_nothing(name, sent, answer)
            if not answers:
                tally.requests += 1
                tally.statuses[0] += 1
            if rest:
                tally.fault(name, "an answer that is none", sent, rest[:400])
        tally.settle(await target.causes())
        alive = await self._line.ask("GET", self._plain("GET", "/livez", None))
        if alive is None or alive.status != OK:
            tally.fault("after all", "does not live", b"GET /livez", b"")
        await self._line.close()

    async def _furnish(self, known: Known, seed: int) -> None:
        """Make one of everything, so that paths lead somewhere."""
        author = await self._target.token("author")
        operator = await self._target.token("operator")
        known.add("user_id", str((await self._target.person("second-author")).account_id))
        known.add("error", "post_not_found")
        known.add("code", "412")
        known.add("name", "search")
        slug = f"target-{seed}"
        redirect = json.dumps({"path": f"/old-{seed}", "target": "/posts"}).encode()
        post = json.dumps(a_draft(slug=slug)).encode()
        for token, path, kind, body in (
            (author, "/posts", "application/json", post),
            (author, "/upload", FORM, form(part(a_png()))),
            (author, "/exports", "application/json", b""),
            (operator, "/redirects", "application/json", redirect),
            (operator, "/projections/search/rebuild", "application/json", b""),
        ):
            answer = await self._line.ask(
                "POST", self._plain("POST", path, token, body=body, kind=kind)
            )
            assert answer is not None
            assert answer.status < REFUSED or answer.status == _CONFLICT, answer
            location = answer.field("location")
            if location is not None:
                known.learn(location)
                if path == "/posts":
                    known.add("slug", slug)
                    publish = self._plain("POST", f"{location}/publish", token)
                    await self._line.ask("POST", publish)

    def _plain(
        self, method: str, path: str, token: str | None, *, body: bytes = b"", kind: str = ""
    ) -> bytes:
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self._target.address}"]
        if token is not None:
            lines.append(f"Authorization: Bearer {token}")
        if body:
            lines.append(f"Content-Type: {kind}")
        if method != "GET":
            lines.append(f"Content-Length: {len(body)}")
        return "\r\n".join([*lines, "", ""]).encode() + body
