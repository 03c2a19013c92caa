"""The API process of the benchmark: the product as `ledgerpress serve` runs it, and the baseline.

Run as `python -m tests.bench.api_process`: reads a `Setup` as a JSON line, answers with an `Api`
once it serves, and ends with its input. The baseline, `GET /plain`, is a plain Litestar handler
that answers a fixed body, on the same server in the same process.
"""

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import uvloop
from litestar import Litestar, get
from litestar.types import Receive, Scope, Send

from api.app import create_app
from commands.accounts import register
from domain.stream import Role
from infra.api_services import api_services
from infra.bootstrap import open_product
from infra.http_server.run import serve
from infra.identity.passwords import CHEAP
from infra.serve import spare_the_collector
from tests.support.accounts import OPERATOR, person, random_keys
from tests.support.services import settings_in


class Setup(msgspec.Struct, frozen=True):
    """The database, which is a secret and hence no argument."""

    url: str


class Api(msgspec.Struct, frozen=True):
    """Where the API is, and an access token of an author."""

    address: str
    token: str


@get("/plain")
async def plain() -> dict[str, str]:
    """Answer 300 bytes, the way Litestar's first page shows it."""
    return {"body": "x" * 300}


async def main() -> None:
    """Serve until the input ends."""
    setup = msgspec.json.decode(sys.stdin.buffer.readline(), type=Setup)
    spare_the_collector()
    stop = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin.fileno(), stop.set)
    async with open_product(setup.url, random_keys(), hashing=CHEAP) as product:
        author = msgspec.structs.replace(person(product), roles=frozenset({Role.AUTHOR}))
        await register(product.accounts, OPERATOR, author)
        token = product.access_tokens.issue(author.account_id, datetime.now(UTC))
        services = api_services(product, settings_in(Path("unused")))
        application = create_app(services)
        baseline = Litestar([plain], openapi_config=None)

        async def both(scope: Scope, receive: Receive, send: Send) -> None:
            chosen = baseline if scope.get("path") == "/plain" else application
            await chosen(scope, receive, send)

        def ready(address: str) -> None:
            sys.stdout.buffer.write(msgspec.json.encode(Api(address, token)) + b"\n")
            sys.stdout.buffer.flush()

        await serve(both, stop=stop, on_ready=ready)


if __name__ == "__main__":
    uvloop.run(main())
