"""The embedded services as a whole: they start, keep their data, and tell what is wrong."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import asyncpg
import nats
import pytest
import redis.asyncio

from infra.embedded.errors import ServiceError
from infra.embedded.resolve import POSTGRES, Places
from infra.embedded.service import Service
from infra.embedded.services import Services, embedded_services
from tests.infra.embedded.test_resolve import fake
from tests.support.services import data_folder, settings_in

WHEELS_ONLY = Places("", usual_folders=False)


@pytest.fixture
def empty() -> Iterator[Path]:
    """Give a DATA_DIR where nothing was started yet."""
    with data_folder() as folder:
        yield folder


@pytest.fixture(scope="module")
def used() -> Iterator[Path]:
    """Give one DATA_DIR to the tests that need no empty one: to make a cluster takes longest."""
    with data_folder() as folder:
        yield folder


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[asyncpg.Connection]:
    """Connect to the database for a moment."""
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


async def ping_all(services: Services) -> str:
    """Use every service once; return PostgreSQL's version."""
    client = await nats.connect(services.nats_url)
    await client.jetstream().account_info()
    await client.close()
    cache = redis.asyncio.from_url(services.redis_url)
    await cache.set("key", "value")
    await cache.aclose()
    async with connected(services.database_url) as connection:
        return str(await connection.fetchval("SHOW server_version"))


def command_lines() -> Iterator[bytes]:
    """Read the command line of every process there is."""
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            yield (process / "cmdline").read_bytes()


def password_in(url: str) -> str:
    """Cut the password out of a service's URL."""
    return url.partition("@")[0].rpartition(":")[2]


async def test_data_survives_a_restart(used: Path) -> None:
    """A second start finds the first one's rows and messages, and is durable by default."""
    async with embedded_services(settings_in(used)) as services:
        async with connected(services.database_url) as connection:
            await connection.execute("CREATE TABLE kept AS SELECT 'row' AS it")
        client = await nats.connect(services.nats_url)
        await client.jetstream().add_stream(name="KEPT", subjects=["kept"])
        await client.jetstream().publish("kept", b"message")
        await client.close()

    async with embedded_services(settings_in(used)) as services:
        async with connected(services.database_url) as connection:
            row = await connection.fetchval("SELECT it FROM kept")
            durable = [
                await connection.fetchval(f"SHOW {name}")
                for name in ("fsync", "synchronous_commit", "full_page_writes")
            ]
            addresses = await connection.fetchval("SHOW listen_addresses")
        client = await nats.connect(services.nats_url)
        message = await client.jetstream().get_msg("KEPT", 1)
        await client.close()

    assert row == "row"
    assert durable == ["on", "on", "on"]
    assert addresses == ""
    assert message.data == b"message"


async def test_wheels_serve_in_a_long_folder(empty: Path) -> None:
    """The wheels' servers run too, also where a socket's path in DATA_DIR would be too long."""
    long = empty / ("long-" * 20) / ("name-" * 20)
    settings = settings_in(long)

    async with embedded_services(settings, durable=False, places=WHEELS_ONLY) as services:
        version = await ping_all(services)
        sources = [services.postgres.source, services.nats.source, services.valkey.source]

    assert version.startswith("18.")
    assert all("from the wheel" in source for source in sources)


async def test_an_unclean_death_is_repaired(used: Path) -> None:
    """After a PostgreSQL that was killed, the next start serves the same data."""
    async with embedded_services(settings_in(used), durable=False) as services:
        async with connected(services.database_url) as connection:
            await connection.execute("CREATE TABLE crashed AS SELECT 1 AS it")
        assert services.postgres.pid is not None
        os.kill(services.postgres.pid, signal.SIGKILL)

    async with (
        embedded_services(settings_in(used), durable=False) as services,
        connected(services.database_url) as connection,
    ):
        kept = await connection.fetchval("SELECT it FROM crashed")

    assert kept == 1


async def test_one_folder_serves_one_process(used: Path) -> None:
    """A second start on the same DATA_DIR is refused, and told which process has it."""
    async with embedded_services(settings_in(used), durable=False) as services:
        with pytest.raises(ServiceError, match=f"is in use by process {os.getpid()}"):
            async with embedded_services(settings_in(used)):
                pass

        assert await ping_all(services)


async def test_given_urls_start_nothing(empty: Path, services: Services) -> None:
    """Where all three URLs are set they are used as they are, and DATA_DIR is not touched."""
    settings = settings_in(
        empty / "untouched",
        DATABASE_URL=services.database_url,
        NATS_URL=services.nats_url,
        REDIS_URL=services.redis_url,
    )

    async with embedded_services(settings) as given:
        await ping_all(given)

    assert given.postgres.pid is None
    assert given.postgres.source == (
        f"PostgreSQL at {services.database_url.replace(password_in(services.database_url), '***')} "
        "(LEDGERPRESS_DATABASE_URL)"
    )
    assert not settings.data_dir.exists()


@pytest.mark.skipif(sys.platform != "linux", reason="command lines are read from /proc")
async def test_no_secret_in_process_listings(empty: Path) -> None:
    """No command line, from initdb to the servers, holds a password."""
    seen: set[bytes] = set()

    async def watch() -> None:
        while True:
            seen.update(command_lines())
            await asyncio.sleep(0.02)

    watching = asyncio.create_task(watch())
    async with embedded_services(settings_in(empty), durable=False) as services:
        urls = (services.database_url, services.nats_url, services.redis_url)
    watching.cancel()

    lines = b"\n".join(seen)
    for program in (b"initdb", b"postgres\0-D", b"nats-server\0-c", b"valkey-server"):
        assert program in lines
    for url in urls:
        assert password_in(url).encode() not in lines


async def test_the_log_explains_a_failure(empty: Path) -> None:
    """When a program fails, the message names it and ends with its log."""
    fake(empty / "bin", POSTGRES, "16.4")
    initdb = empty / "bin" / "initdb"
    initdb.write_text("#!/bin/sh\necho 'no space left on device'\nexit 1\n")

    with pytest.raises(ServiceError, match=r"initdb failed with status 1(.|\n)*no space left"):
        async with embedded_services(
            settings_in(empty), places=Places(str(empty / "bin"), usual_folders=False)
        ):
            pass


async def test_a_cluster_of_another_version(empty: Path) -> None:
    """A cluster that no binary can serve is an error that names both versions."""
    data = empty / "embedded/postgres/data"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("17\n")

    with pytest.raises(ServiceError, match="data folder was made by version 17"):
        async with embedded_services(settings_in(empty)):
            pass


@pytest.mark.parametrize("which", ["postgres", "nats", "valkey"])
async def test_a_lost_server_is_noticed(empty: Path, which: str) -> None:
    """Whoever asked to hear of it is told which server was ended, how, and where its log is."""
    heard: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    async with embedded_services(
        settings_in(empty), durable=False, on_loss=heard.set_result
    ) as services:
        service: Service = getattr(services, which)
        assert service.pid is not None
        os.kill(service.pid, signal.SIGTERM if which == "postgres" else signal.SIGKILL)
        async with asyncio.timeout(30):
            said = await heard

    assert said.startswith(
        f"{which} {'ended by' if which == 'postgres' else 'was ended by SIGKILL'}"
    )
    assert said.endswith(f"its log is {empty / 'embedded' / 'logs' / which}.log")
