"""Searches everything that a product keeps for a text, in every form in which it could be there."""

import base64
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import nats
import redis.asyncio
from nats.js import JetStreamContext

from tests.support.log import connected

_ENCODINGS = ("utf-8", "utf-16-le", "utf-16-be")
_TABLES = """
select quote_ident(schemaname) || '.' || quote_ident(tablename) from pg_tables
where schemaname not in ('pg_catalog', 'information_schema') order by 1
"""
_READS = {
    b"string": ("GET",),
    b"hash": ("HGETALL",),
    b"list": ("LRANGE", 0, -1),
    b"set": ("SMEMBERS",),
    b"zset": ("ZRANGE", 0, -1, "WITHSCORES"),
    b"stream": ("XRANGE", "-", "+"),
}


class Traces:
    """The words to search for, by name; each is one that is nowhere by chance."""

    def __init__(self, words: Mapping[str, str]) -> None:
        self._lowered = {name: tuple(_in_any_case(word)) for name, word in words.items()}
        self._exact = {name: tuple(_in_base64(word)) for name, word in words.items()}

    def in_bytes(self, data: bytes) -> Iterator[str]:
        """Name the words that some bytes hold in any form."""
        lowered = data.lower()
        for name, forms in self._lowered.items():
            exact = self._exact[name]
            if any(form in lowered for form in forms) or any(form in data for form in exact):
                yield name

    def in_files(self, folder: Path) -> set[tuple[str, str]]:
        """Give each word with each file below a folder that has it, in its name or in itself."""
        found = set()
        for path in sorted(folder.rglob("*")):
            name = str(path.relative_to(folder))
            content = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
            found |= {(word, name) for word in self.in_bytes(name.encode() + b"\n" + content)}
        return found

    async def in_services(
        self, database_url: str, redis_url: str, nats_url: str
    ) -> set[tuple[str, str]]:
        """Give each word with each table, key and stream that has it."""
        found = set()
        for things in (_rows(database_url), _keys(redis_url), _messages(nats_url)):
            async for place, data in things:
                found |= {(word, place) for word in self.in_bytes(data)}
        return found


def _in_any_case(word: str) -> Iterator[bytes]:
    for encoding in _ENCODINGS:
        encoded = word.lower().encode(encoding)
        yield encoded
        yield encoded.hex().encode()
        yield word.encode(encoding).hex().encode()


def _in_base64(word: str) -> Iterator[bytes]:
    """Give what is the same wherever the word stands in a text that is encoded as a whole."""
    for text in {word, word.lower()}:
        for encoding in _ENCODINGS:
            for before in range(3):
                # The first and the last character may hold bits of what stands beside the word.
                encoded = base64.b64encode(bytes(before) + text.encode(encoding)).rstrip(b"=")
                inner = encoded[-(-before * 8 // 6) : -1]
                yield inner
                yield inner.translate(bytes.maketrans(b"+/", b"-_"))


async def _rows(url: str) -> AsyncIterator[tuple[str, bytes]]:
    async with connected(url) as owner:
        for (table,) in await owner.fetch(_TABLES):
            for (row,) in await owner.fetch(f"select t::text from {table} as t"):  # noqa: S608 - its own names
                yield f"table {table}", row.encode()


async def _keys(url: str) -> AsyncIterator[tuple[str, bytes]]:
    client = redis.asyncio.from_url(url)
    try:
        async for key in client.scan_iter():
            # redis-py leaves these untyped.
            kind: Any = await client.type(key)
            command, *arguments = _READS[kind]
            value = await client.execute_command(command, key, *arguments)  # type: ignore[no-untyped-call]
            yield "Redis", key + b"\n" + b"\n".join(_flat(value))
    finally:
        await client.aclose()


def _flat(value: Any) -> Iterable[bytes]:  # noqa: ANN401 - whatever Redis answers
    if isinstance(value, bytes):
        yield value
    elif isinstance(value, dict):
        yield from _flat([*value.keys(), *value.values()])
    elif isinstance(value, list | tuple | set):
        for item in value:
            yield from _flat(item)
    else:
        yield str(value).encode()


async def _messages(url: str) -> AsyncIterator[tuple[str, bytes]]:
    client = await nats.connect(url)
    try:
        jetstream: JetStreamContext = client.jetstream()
        for stream in await jetstream.streams_info():
            name = stream.config.name or ""
            yield f"stream {name}", repr(stream).encode()
            for consumer in await jetstream.consumers_info(name):
                yield f"stream {name}", repr(consumer).encode()
            for number in range(stream.state.first_seq, stream.state.last_seq + 1):
                try:
                    message = await jetstream.get_msg(name, number)
                except nats.js.errors.NotFoundError:
                    continue  # deleted, and its file is searched
                fields = repr((message.subject, message.headers)).encode()
                yield f"stream {name}", fields + (message.data or b"")
    finally:
        await client.close()
