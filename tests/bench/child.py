"""A process of the benchmark: takes one JSON request a line, answers each with one JSON line.

Run as `python -m tests.bench.child`. The first line is a `Setup`, answered when all is open.
"""

import asyncio
import sys
from collections.abc import Mapping

import msgspec
import uvloop

from tests.bench.appends import Call, appenders, calls_per_second
from tests.bench.reads import WholeLog, read_everything


class Setup(msgspec.Struct, frozen=True):
    """Where to connect (a secret, hence no argument), and with how many bare connections."""

    url: str
    callers: int


class Round(msgspec.Struct, tag=True, frozen=True):
    """Append for some seconds; the answer is the appends per second."""

    kind: str
    callers: int
    seconds: float


class Everything(msgspec.Struct, tag=True, frozen=True):
    """Read the whole log; the answer is a `WholeLog`."""


Request = Round | Everything


async def main() -> None:
    """Answer requests until the input ends."""
    setup = msgspec.json.decode(sys.stdin.buffer.readline(), type=Setup)
    requests: msgspec.json.Decoder[Request] = msgspec.json.Decoder(Request)
    async with appenders(setup.url, setup.callers) as calls:
        _say("ready")
        while line := await asyncio.to_thread(sys.stdin.buffer.readline):
            _say(await _answer(requests.decode(line), setup.url, calls))


async def _answer(request: Request, url: str, calls: Mapping[str, Call]) -> float | WholeLog:
    match request:
        case Round(kind, callers, seconds):
            return await calls_per_second(calls[kind], callers, seconds)
        case Everything():
            return await read_everything(url)


def _say(answer: object) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(answer) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    uvloop.run(main())
