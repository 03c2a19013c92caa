"""All parts of the hostile suite against one target: what is sent, how much, and a report."""

import asyncio
import json
import time
from collections.abc import Callable
from contextlib import closing
from typing import Any, NamedTuple

from api.operations import OPERATIONS
from tests.hostile.aftermath import Measures, left_behind, unwell
from tests.hostile.answers import Visitor
from tests.hostile.attack import Attack
from tests.hostile.good_requests import GOOD, SLOW
from tests.hostile.judging import Tally, faults_in_log
from tests.hostile.properties import Properties
from tests.hostile.raw_bytes import corpus
from tests.hostile.stock import Stock
from tests.hostile.target import Target
from tests.hostile.walks import Explorer


class Amounts(NamedTuple):
    """How much of each part is sent."""

    generated: int
    """Of our own generator: for each operation and kind of caller."""
    fields: int
    """With odd header fields: for each operation."""
    bodies: int
    """With odd bodies: for each operation that takes one."""
    walks: int
    """Along the links of the document, of `steps` each."""
    steps: int
    allowed: int
    """Of what the document allows: for each operation."""
    forbidden: int
    """Of what it forbids."""
    edges: int
    """At the edges of what it allows, at most."""
    slow: bool = True
    """Whether to ask also for what takes other processes a second, each time."""


class Campaign:
    """A run of everything, as often as it is asked for."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.tally = Tally()
        self.attack = Attack(target, self.tally)
        self.sequences = corpus(target.address.encode())
        self._notes: list[str] = []

    async def run(self, number: int, amounts: Amounts) -> Measures:
        """Send all of it, and measure what the processes hold afterwards."""
        begun = time.monotonic()
        await self.attack.raw(self.sequences)
        await self.attack.generated(number, each=amounts.generated)
        self._notes.append(f"ours until {self.tally.requests} in {time.monotonic() - begun:.1f} s")
        loop = asyncio.get_running_loop()
        await asyncio.to_thread(self._explore, loop, number, amounts)
        self.tally.settle(await self.target.causes())
        self._wrong(await left_behind(self.target))
        return Measures.of(self.target)

    def _explore(self, loop: asyncio.AbstractEventLoop, number: int, amounts: Amounts) -> None:
        with closing(Visitor(self.target, loop)) as visitor:
            stock = Stock(visitor, number)
            answer = stock.ask("anonymous", "GET", "/openapi.json")
            document: dict[str, Any] = json.loads(answer.body)
            operations = [name for name in GOOD if amounts.slow or name not in SLOW]
            properties = Properties(visitor, stock, self.tally, document, operations)
            with closing(Explorer(visitor, stock, self.tally, document, operations)) as explorer:
                self._all_parts(properties, explorer, number, amounts)
            self._wrong(unwell(stock))
            self._wrong([f"cut off without a word after {each[:300]!r}" for each in visitor.cut])

    def _all_parts(
        self, properties: Properties, explorer: Explorer, number: int, amounts: Amounts
    ) -> None:
        parts: tuple[tuple[str, int, Callable[[], None]], ...] = (
            ("good", 1, properties.good),
            ("odd fields", amounts.fields, lambda: properties.fields(number, amounts.fields)),
            ("odd bodies", amounts.bodies, lambda: properties.bodies(number, amounts.bodies)),
            ("walks", amounts.walks, lambda: explorer.walk(number, amounts.walks, amounts.steps)),
            ("allowed", amounts.allowed, lambda: explorer.allowed(number, amounts.allowed)),
            ("forbidden", amounts.forbidden, lambda: explorer.forbidden(number, amounts.forbidden)),
            ("edges", amounts.edges, lambda: explorer.edges(amounts.edges)),
        )
        for name, amount, part in parts:
            if amount:
                self._noted(name, part)

    def _noted(self, name: str, part: Callable[[], None]) -> None:
        before, begun = self.tally.requests, time.monotonic()
        part()
        seconds = time.monotonic() - begun
        self._notes.append(f"{name} {self.tally.requests - before} in {seconds:.1f} s")

    def _wrong(self, found: list[str]) -> None:
        for each in found:
            self.tally.fault("after all", each, b"", b"")

    def faults(self) -> list[str]:
        """Give all that is wrong, in the answers and in what the processes wrote."""
        return [*self.tally.faults, *faults_in_log(self.target.log())]

    def never_done(self) -> list[str]:
        """Give the operations that never did anything but refuse."""
        return [name for name in OPERATIONS if not self._done(name)]

    def _done(self, name: str) -> bool:
        counts = self.tally.classes.get(name)
        return counts is not None and counts[2] + counts[3] > 0

    def report(self) -> str:
        """Say what was sent and what came of it."""
        parts = ", ".join(self._notes)
        return f"{self.tally.table(OPERATIONS)}\n{self.tally.report()}\nrequests by part: {parts}"
