"""What hostile requests may have left behind: memory, descriptors, threads, rows, files, halts."""

import json
import re
import time
from pathlib import Path
from typing import NamedTuple

from tests.hostile.stock import Stock
from tests.hostile.target import Target
from tests.support.http import DEADLINE
from tests.support.waiting import eventually

_PAUSE = 0.1
MIB = 1024 * 1024
GROWTH = 48 * MIB
"""Of memory, once warm; allocators keep what they had."""
MORE_OPEN = 8
"""Connections of pools, which open and close as they are needed."""
_LEFT_BEHIND = {
    "holds of uploads": "select count(*) from blob_holds",
    "mail that waits": "select count(*) from mails",
    "jobs that wait": "select count(*) from jobs where status in ('queued', 'running')",
}
"""What is there while something goes on, and no longer."""


class Measures(NamedTuple):
    """What each of the processes holds."""

    memory: tuple[int, ...]
    descriptors: tuple[int, ...]
    threads: tuple[int, ...]

    @classmethod
    def of(cls, target: Target) -> "Measures":
        """Measure now."""
        states = [_numbers(pid) for pid in target.pids]
        return cls(
            tuple(state["VmRSS"] * 1024 for state in states),
            tuple(len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in target.pids),
            tuple(state["Threads"] for state in states),
        )

    def grown(self, later: "Measures") -> list[str]:
        """Say what grew beyond what is usual."""
        limits = {"memory": GROWTH, "descriptors": MORE_OPEN, "threads": MORE_OPEN}
        return [
            f"{name} of process {number}: {before} and then {after}"
            for name, limit in limits.items()
            for number, (before, after) in enumerate(
                zip(getattr(self, name), getattr(later, name), strict=True)
            )
            if after > before + limit
        ]


async def left_behind(target: Target) -> list[str]:
    """Wait until nothing goes on any more, and say what is there still that should not be."""
    wrong = []
    for what, query in _LEFT_BEHIND.items():

        async def is_done(query: str = query) -> bool:
            return await target.count(query) == 0

        if not await eventually(is_done):
            wrong.append(f"{what}: {await target.count(query)}")
    code, said = await target.command("files", "check", "--json")
    files = json.loads(said)
    if code != 0 or files["orphans"] or files["leftBehind"]:
        wrong.append(f"files: {said}")
    code, said = await target.command("events", "verify")
    if code != 0:
        wrong.append(f"events verify: {said}")
    return wrong


def unwell(stock: Stock) -> list[str]:
    """Say what the product itself says is wrong; it gets time to catch up."""
    end = time.monotonic() + DEADLINE
    while (wrong := _unwell(stock)) and time.monotonic() < end:
        time.sleep(_PAUSE)
    return wrong


def _unwell(stock: Stock) -> list[str]:
    live = stock.ask("anonymous", "GET", "/livez").status
    ready = json.loads(stock.ask("anonymous", "GET", "/readyz").body)
    projections = json.loads(stock.ask("operator", "GET", "/projections").body)["items"]
    metrics = stock.ask("anonymous", "GET", "/metrics").body.decode()
    in_flight = re.search(r"^ledgerpress_http_requests_in_flight (\S+)$", metrics, re.MULTILINE)
    wrong = [f"/livez is {live}"] if live != 200 else []
    # Nobody publishes to NATS here.
    warnings = (each for each in ready.get("warnings", ()) if "projection relay" not in each)
    wrong += [f"/readyz: {each}" for each in (*ready["problems"], *warnings)]
    wrong += [
        f"{each['name']} is {each['lagEvents']} behind, and halted by {each['halted']}"
        for each in projections
        if (each["lagEvents"] or each["halted"] is not None) and each["name"] != "relay"
    ]
    if in_flight is None or float(in_flight[1]) > 1:  # that one itself
        wrong.append(f"in flight: {in_flight and in_flight[1]}")
    return wrong


def _numbers(pid: int) -> dict[str, int]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    pairs = (line.split(":", 1) for line in lines if ":" in line)
    return {
        name: int(words[0])
        for name, value in pairs
        if (words := value.split()) and words[0].isdigit()
    }
