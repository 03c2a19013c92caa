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
from infra.api_services import api_services
from infra.bootstrap import Product, open_product
from infra.files.open import open_files
from infra.http_server.run import serve
from infra.identity.limits import redis_limiter
from infra.serve import spare_the_collector
from tests.support.accounts import OPERATOR, a_session, person, random_keys
from tests.support.product import NO_REDIS, PASSWORD
from tests.support.services import settings_in
from tests.support.signing_in import generous


class Setup(msgspec.Struct, frozen=True):
    """Where to connect, which are secrets and hence no arguments."""

    url: str
    redis_url: str = NO_REDIS
    people: int = 0
    """How many can sign in, by the address of `email_of` and the `PASSWORD` of the tests."""
    authors: int = 1


class Api(msgspec.Struct, frozen=True):
    """Where the API is, and access tokens of authors."""

    address: str
    tokens: list[str]

    @property
    def token(self) -> str:
        """Give the first of them."""
        return self.tokens[0]


def email_of(number: int) -> str:
    """Give somebody's address."""
    return f"person-{number}@bench.example"


@get("/plain")
async def plain() -> dict[str, str]:
    """Answer 300 bytes, the way Litestar's first page shows it."""
    return {"body": "x" * 300}


async def register_people(product: Product, count: int) -> None:
    """Open accounts, with one hash for all: hashing for each would take long."""
    password_hash = await product.passwords.hash(PASSWORD.encode())
    assert isinstance(password_hash, str)
    for number in range(count):
        someone = person(product, email_of(number))
        someone = msgspec.structs.replace(someone, password_hash=password_hash)
        await register(product.accounts, OPERATOR, someone)


async def author_token(product: Product, number: int) -> str:
    """Open an author's account, and give an access token of its."""
    author = person(product, f"author-{number}@bench.example")
    await register(product.accounts, OPERATOR, author)
    now = datetime.now(UTC)
    session_id = await a_session(product, author.account_id, now)
    return product.access_tokens.issue(author.account_id, session_id, now)


async def main() -> None:
    """Serve until the input ends."""
    setup = msgspec.json.decode(sys.stdin.buffer.readline(), type=Setup)
    spare_the_collector()
    stop = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin.fileno(), stop.set)
    async with (
        open_product(setup.url, random_keys()) as product,
        redis_limiter(setup.redis_url, key=b"l" * 32, rules=generous()) as limiter,
    ):
        tokens = [await author_token(product, number) for number in range(setup.authors)]
        await register_people(product, setup.people)
        settings = settings_in(Path("unused"))
        stored = open_files(product.database, settings)
        services = api_services(product, settings, limiter, stored)
        application = create_app(services)
        baseline = Litestar([plain], openapi_config=None)

        async def both(scope: Scope, receive: Receive, send: Send) -> None:
            chosen = baseline if scope.get("path") == "/plain" else application
            await chosen(scope, receive, send)

        def ready(address: str) -> None:
            sys.stdout.buffer.write(msgspec.json.encode(Api(address, tokens)) + b"\n")
            sys.stdout.buffer.flush()

        await serve(both, stop=stop, on_ready=ready)


if __name__ == "__main__":
    uvloop.run(main())
