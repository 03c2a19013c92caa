"""The API process of the benchmark of files: the product as `ledgerpress serve` runs it.

Run as `python -m tests.bench.file_process`: reads a `Setup` as a JSON line, answers with a `Served`
once it serves, and ends with its input.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import msgspec
import uvloop

from api.app import create_app
from api.services import Services
from commands.accounts import register
from domain.stream import Role
from infra.api_services import api_services
from infra.bootstrap import open_product
from infra.files.open import open_files
from infra.http_server.run import serve
from infra.identity.limits import redis_limiter
from infra.serve import spare_the_collector
from tests.support.accounts import OPERATOR, a_session, person, random_keys
from tests.support.product import NO_REDIS
from tests.support.services import settings_in
from tests.support.stored_files import record_file

PIECE = 256 * 1024


class Setup(msgspec.Struct, frozen=True):
    """Where the database is, where files go, and the bytes to serve."""

    url: str
    data_dir: str
    content: str


class Served(msgspec.Struct, frozen=True):
    """Where the API is, an access token of an author, and the author's file."""

    address: str
    token: str
    file_id: UUID


async def main() -> None:
    """Serve until the input ends."""
    setup = msgspec.json.decode(sys.stdin.buffer.readline(), type=Setup)
    spare_the_collector()
    stop = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin.fileno(), stop.set)
    async with (
        open_product(setup.url, random_keys()) as product,
        redis_limiter(NO_REDIS, key=b"l" * 32) as limiter,
    ):
        author = msgspec.structs.replace(person(product), roles=frozenset({Role.AUTHOR}))
        await register(product.accounts, OPERATOR, author)
        now = datetime.now(UTC)
        session_id = await a_session(product, author.account_id, now)
        token = product.access_tokens.issue(author.account_id, session_id, now)
        settings = settings_in(Path(setup.data_dir), FILE_QUOTA_BYTES=str(1 << 40))
        stored = open_files(product.database, settings)
        services = api_services(product, settings, limiter, stored)
        file_id = await _stored(services, author.account_id, Path(setup.content))

        def ready(address: str) -> None:
            served = Served(address, token, file_id)
            sys.stdout.buffer.write(msgspec.json.encode(served) + b"\n")
            sys.stdout.buffer.flush()

        await serve(create_app(services), stop=stop, on_ready=ready)


async def _stored(services: Services, owner_id: UUID, path: Path) -> UUID:
    async def pieces() -> AsyncIterator[bytes]:
        with path.open("rb") as file:
            while piece := file.read(PIECE):
                yield piece

    return await record_file(services, owner_id, pieces(), at=datetime.now(UTC))


if __name__ == "__main__":
    uvloop.run(main())
