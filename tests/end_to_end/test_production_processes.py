"""`migrate`, `serve` and `worker` on services that run already, as in production."""

import asyncio
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import asyncpg
import httpx
import pytest
from uuid_utils.compat import uuid7

from commands.handle import Caller
from commands.mail import Mail
from commands.posts import create_post
from domain.post import Category
from domain.post_decisions import Create
from domain.stream import Actor, Role
from infra.bootstrap import open_product
from infra.clock import now
from infra.embedded.services import Services
from infra.keys import Keys, load_keys
from infra.settings import Settings, load_settings
from tests.support.accounts import random_keys
from tests.support.mail import mails_in
from tests.support.serving import environment_of
from tests.support.waiting import eventually

ROOT = Path(__file__).parents[2]
PROGRAM = [sys.executable, "-m", "infra.cli"]
AUTHOR = Actor(uuid7(), frozenset({Role.AUTHOR}))


@pytest.fixture
def environment(services: Services, database_url: str, tmp_path: Path) -> dict[str, str]:
    """Give the settings of a process that brings no services of its own."""
    return environment_of(services, database_url, tmp_path)


@asynccontextmanager
async def process(environment: dict[str, str], command: str) -> AsyncIterator[str]:
    """Run a process until the block ends, and give the first line that it says."""
    running = await asyncio.create_subprocess_exec(
        *PROGRAM, command, cwd=ROOT, env=environment, stderr=subprocess.PIPE
    )
    assert running.stderr is not None
    try:
        async with asyncio.timeout(30):
            yield (await running.stderr.readline()).decode()
        running.send_signal(signal.SIGTERM)
        async with asyncio.timeout(30):
            rest = await running.stderr.read()
            assert (await running.wait(), rest) == (0, b"")
    finally:
        if running.returncode is None:
            running.kill()
            await running.wait()


async def test_serve(environment: dict[str, str]) -> None:
    """`serve` is where it says, in its problems too; SIGTERM ends it in order within 10 seconds."""
    async with process(environment, "serve") as said:
        address = re.fullmatch(r"serving at (http://127\.0\.0\.1:\d+)\n", said)
        assert address is not None, said
        async with httpx.AsyncClient(base_url=address[1], trust_env=False) as client:
            ready = await client.get("/readyz")
            posts = await client.get("/posts")
            missing = await client.get("/nowhere")

    assert (ready.status_code, posts.status_code) == (200, 200)
    assert missing.json()["type"] == f"{address[1]}/problems/route_not_found"


async def test_worker(environment: dict[str, str], database_url: str) -> None:
    """`worker` publishes a post soon after its time, as no other process would."""
    async with (
        open_product(database_url, random_keys()) as product,
        process(environment, "worker") as said,
    ):
        publish_at = now() + timedelta(milliseconds=300)
        create = Create(
            post_id=uuid7(),
            author_id=AUTHOR.account_id,
            title="Soon",
            content="Text.",
            category=Category.TECH,
            publish_at=publish_at,
        )
        caller = Caller(actor=AUTHOR, at=now(), command="Create")
        await create_post(product.ledger, product.posts, product.file_queries, caller, create)

        async def published() -> bool:
            rows = await product.database.fetch("select status from posts")
            return [row[0] for row in rows] == ["published"]

        assert await eventually(published)
        assert said == "working\n"


async def test_worker_sends(environment: dict[str, str], database_url: str) -> None:
    """`worker` sends the mail that another process asked for."""
    settings = load_settings({k: v for k, v in environment.items() if k.startswith("LEDGER")})
    assert isinstance(settings, Settings)
    keys = load_keys(settings)
    assert isinstance(keys, Keys)
    async with open_product(database_url, keys) as product, process(environment, "worker"):
        await product.mails.put(Mail("ada@example.org", "News", "Text."), "hash")

        async def sent() -> bool:
            return not await product.database.fetch("select from mails")

        assert await eventually(sent)

    [mail] = mails_in(settings.data_dir / "mail")
    assert mail["To"] == "ada@example.org"


async def test_migrate(environment: dict[str, str], database_url: str) -> None:
    """An empty database is asked to be migrated, is migrated, and once is enough."""
    connection = await asyncpg.connect(database_url)
    await connection.execute("drop schema public cascade; create schema public")
    await connection.close()

    async def run(*arguments: str) -> tuple[int | None, str]:
        running = await asyncio.create_subprocess_exec(
            *PROGRAM,
            *arguments,
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        said, _ = await running.communicate()
        return running.returncode, said.decode()

    refused = await run("serve")
    first = await run("migrate")
    second = await run("migrate")

    assert refused == (1, "Error: the database is empty: run `ledgerpress migrate`\n")
    assert first[0] == second[0] == 0
    assert first[1].startswith("migrated: the schema is at version ")
    assert second[1].startswith("nothing to do: ")
