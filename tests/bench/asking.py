"""Measures how long POST /exports takes beside POST /posts, in one run and under one load.

Run as `python -m tests.bench.asking`. Each connection is an author's, who again and again creates a
post, asks for an export and calls it off: so both kinds meet the same load, and the medians of
their times can be compared. Read the ratio, not the times.
"""

import asyncio
import itertools
import statistics
import sys
import time
from collections.abc import Sequence

import msgspec
import uvloop
from rich.console import Console
from rich.table import Table

from tests.bench.api_process import Setup
from tests.bench.http import CONTENT, api_process
from tests.bench.load import Connection, field, open_all, request
from tests.bench.machine import describe
from tests.bench.store import durable_databases

ROUNDS = 5
SECONDS = 2.0
CONNECTIONS = (1, 32)
TARGET = 1.2
"""An export may be asked for in so many times the time of a post."""

CREATE, ASK, CALL_OFF = "POST /posts", "POST /exports", "DELETE /exports/{id}"
EXPECTED = {CREATE: "201", ASK: "202", CALL_OFF: "204"}


async def main() -> None:
    """Measure, and print one table."""
    console = Console(width=100)
    table = Table("connections", CREATE, ASK, "ratio", "target", "lowest..highest")
    async with durable_databases() as (databases, folder), databases.fresh() as url:
        machine = await describe(url, folder)
        async with api_process(Setup(url, authors=max(CONNECTIONS))) as (_, api):
            for count in CONNECTIONS:
                rounds = [await one_round(api.address, api.tokens[:count]) for _ in range(ROUNDS)]
                ratios = [asked / created for created, asked in rounds]
                table.add_row(
                    f"{count}",
                    f"{statistics.median(created for created, _ in rounds) * 1000:.2f} ms",
                    f"{statistics.median(asked for _, asked in rounds) * 1000:.2f} ms",
                    f"{statistics.median(ratios):.2f}x",
                    f"{TARGET}x at the most",
                    f"{min(ratios):.2f}x..{max(ratios):.2f}x",
                )
    console.print(table)
    console.print(machine, highlight=False)


async def one_round(address: str, tokens: Sequence[str]) -> tuple[float, float]:
    """Give the medians of the seconds that creating a post and asking for an export took."""
    until = time.perf_counter() + SECONDS
    authors = [Author(address, token, until) for token in tokens]
    await open_all(address, authors)
    await asyncio.gather(*(author.done for author in authors))
    taken = {kind: [each for author in authors for each in author.taken[kind]] for kind in EXPECTED}
    return statistics.median(taken[CREATE]), statistics.median(taken[ASK])


class Author(Connection):
    """Creates, asks and calls off, until the time is up."""

    _titles = itertools.count()

    def __init__(self, address: str, token: str, until: float) -> None:
        super().__init__()
        self._address = address
        self._fields = {"authorization": f"Bearer {token}"}
        self._until = until
        self._kind = CALL_OFF
        self._sent_at = 0.0
        self.taken: dict[str, list[float]] = {kind: [] for kind in EXPECTED}

    def begin(self) -> None:
        """Create the first post."""
        self._next(b"")

    def answered(self, head: bytes) -> None:
        """Note how long it took, and go on; nothing is left under way at the end."""
        self.taken[self._kind].append(time.perf_counter() - self._sent_at)
        status = head[9:12].decode()
        assert status == EXPECTED[self._kind], f"{self._kind}: {status}"
        if self._kind == CALL_OFF and self._sent_at > self._until:
            self.end()
        else:
            self._next(head)

    def _next(self, head: bytes) -> None:
        if self._kind == CALL_OFF:
            self._kind = CREATE
            title = f"Post number {next(self._titles):09}"
            post = {"title": title, "content": CONTENT, "category": "tech"}
            fields = {**self._fields, "content-type": "application/json"}
            sent = request(self._address, "POST", "/posts", fields, msgspec.json.encode(post))
        elif self._kind == CREATE:
            self._kind = ASK
            sent = request(self._address, "POST", "/exports", self._fields)
        else:
            self._kind = CALL_OFF
            sent = request(self._address, "DELETE", field(head, b"location"), self._fields)
        self._sent_at = time.perf_counter()
        self.send(sent)


if __name__ == "__main__":
    sys.exit(uvloop.run(main()))
