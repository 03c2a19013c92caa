"""A process that reads parts of a log as a rebuild does, decodes each event, and writes nothing.

Run as `python -m tests.bench.projection_child`. It takes a `Setup` as a JSON line, then `Part`s,
and answers each.
"""

import asyncio
import sys

import msgspec
import uvloop

from infra.projections.load_worker import Part, Setup, loader
from infra.store.codec import Codec


async def main() -> None:
    """Read part after part until the input ends."""
    setup = msgspec.json.decode(await _line(), type=Setup)
    decode = Codec().decode
    async with loader(setup) as opened:
        _say(0)
        while line := await _line():
            events = 0
            async for page in opened.pages(msgspec.json.decode(line, type=Part)):
                for _, _, _, tag, data, _ in page:
                    decode(tag, data)
                events += len(page)
            _say(events)


async def _line() -> bytes:
    return await asyncio.to_thread(sys.stdin.buffer.readline)


def _say(events: int) -> None:
    sys.stdout.buffer.write(b"%d\n" % events)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    uvloop.run(main())
