"""Measures the HTTP layer of one API process beside a plain Litestar handler on the same server.

Run as `python -m tests.bench.http`. All kinds of requests take turns with the baseline in every
round, and medians of the rounds' ratios are taken: read the ratios, not the rates.
"""

import asyncio
import itertools
import random
import statistics
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import msgspec
import uvloop
from rich.console import Console
from rich.table import Table

from tests.bench.api_process import Api, Setup
from tests.bench.load import Load, NextRequest, field, load, request
from tests.bench.machine import describe
from tests.bench.store import durable_databases

ROUNDS = 5
SECONDS = 1.5
CONNECTIONS = 32
POSTS = 200
CONTENT = "Every change is an event, and events are kept. " * 20
"""About 1 kB: a short post."""

TARGETS = {"read 200": 0.9, "read 304": 0.9, "list of 50": 0.25, "create": 0.4, "edit": 0.4}
EXPECTED = {"plain": "200", "read 304": "304", "create": "201"}


async def main() -> None:
    """Measure everything and print one table."""
    rates: dict[str, list[float]] = {kind: [] for kind in ("plain", *TARGETS)}
    async with durable_databases() as (databases, folder), databases.fresh() as url:
        machine = await describe(url, folder)
        async with api_process(Setup(url)) as (process, api):
            makers = await prepare(api)
            for _ in range(ROUNDS):
                for kind, of_kind in rates.items():
                    of_kind.append(check(kind, await load(api.address, makers[kind], SECONDS)))
            memory = peak_memory(process)
    table = Table("requests, 32 connections", "per second", "of plain", "target", "lowest..highest")
    for kind, of_kind in rates.items():
        ratios = [rate / plain for rate, plain in zip(of_kind, rates["plain"], strict=True)]
        table.add_row(
            kind,
            f"{statistics.median(of_kind):,.0f}",
            f"{statistics.median(ratios):.2f}x",
            f"{TARGETS[kind]}x" if kind in TARGETS else "",
            f"{min(ratios):.2f}x..{max(ratios):.2f}x",
        )
    console = Console(width=100)
    console.print(table)
    console.print(f"peak memory of the API process {memory}; {machine}", highlight=False)


async def prepare(api: Api) -> dict[str, list[NextRequest]]:
    """Fill the database, and say what each connection sends in each kind of round."""
    address, token = api.address, {"authorization": f"Bearer {api.token}"}
    json = {**token, "content-type": "application/json"}
    titles = (f"Post number {number:09}" for number in itertools.count())
    # Made once and cut at the title: the generator shares the cores with what it measures.
    post = {"title": "Post number 000000000", "content": CONTENT, "category": "tech"}
    sample = request(address, "POST", "/posts", json, msgspec.json.encode(post))
    before, after = sample.split(b"Post number 000000000")

    def creation(_: bytes = b"") -> bytes:
        return b"%b%b%b" % (before, next(titles).encode(), after)

    async with httpx.AsyncClient(base_url=address, headers=token, timeout=10) as client:
        made = [await create(client, next(titles)) for _ in range(POSTS)]
        published = [await client.post(f"{path}/publish") for path, _ in made]
        edited = [await create(client, next(titles)) for _ in range(CONNECTIONS)]
    tags = [answer.headers["etag"] for answer in published]
    reads = [request(address, "GET", path, {}) for path, _ in made]
    revalidations = [
        request(address, "GET", path, {"if-none-match": tag})
        for (path, _), tag in zip(made, tags, strict=True)
    ]
    chance = random.Random(1)  # noqa: S311 - which post is read next
    return {
        "plain": [_always(request(address, "GET", "/plain", {}))] * CONNECTIONS,
        "read 200": [lambda _: chance.choice(reads)] * CONNECTIONS,
        "read 304": [lambda _: chance.choice(revalidations)] * CONNECTIONS,
        "list of 50": [_always(request(address, "GET", "/posts?limit=50", {}))] * CONNECTIONS,
        "create": [creation] * CONNECTIONS,
        "edit": [Editor(address, json, path, tag) for path, tag in edited],
    }


class Editor:
    """Edits one post again and again, each time the version that the last edit made."""

    def __init__(self, address: str, fields: dict[str, str], path: str, tag: str) -> None:
        self._address, self._fields, self._path, self._tag = address, fields, path, tag
        self._edits = itertools.count()

    def __call__(self, head: bytes) -> bytes:
        """Make the next edit."""
        if head:
            self._tag = field(head, b"etag")
        fields = {**self._fields, "if-match": self._tag}
        body = b'{"title":"Edited %d times"}' % next(self._edits)
        return request(self._address, "PATCH", self._path, fields, body)


async def create(client: httpx.AsyncClient, title: str) -> tuple[str, str]:
    """Create a post; give its path and tag."""
    post = {"title": title, "content": CONTENT, "category": "tech"}
    answer = await client.post("/posts", json=post)
    return answer.headers["location"], answer.headers["etag"]


def check(kind: str, measured: Load) -> float:
    """Give the rate, if every answer was the one that is measured."""
    expected = EXPECTED.get(kind, "200")
    assert set(measured.statuses) == {expected}, f"{kind}: {measured.statuses}"
    return measured.per_second


def peak_memory(process: Process) -> str:
    """Tell the most memory that a process had resident."""
    try:
        status = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
    except OSError:
        return "not known here"
    kibibytes = next(int(line.split()[1]) for line in status.splitlines() if "VmHWM" in line)
    return f"{kibibytes / 1024:.0f} MiB"


@asynccontextmanager
async def api_process(setup: Setup) -> AsyncIterator[tuple[Process, Api]]:
    """Run the API in a process of its own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.api_process", stdin=PIPE, stdout=PIPE
    )
    assert process.stdin
    assert process.stdout
    try:
        process.stdin.write(msgspec.json.encode(setup) + b"\n")
        yield process, msgspec.json.decode(await process.stdout.readline(), type=Api)
    finally:
        process.stdin.close()
        await process.wait()


def _always(sent: bytes) -> NextRequest:
    return lambda _: sent


if __name__ == "__main__":
    uvloop.run(main())
