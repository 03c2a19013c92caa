"""All three services at once: those with a URL are taken from there, the others are started.

Adding a service: a `Kind` in resolve.py, a file with its start function, a field here.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager

import msgspec

from infra.embedded.errors import ServiceError
from infra.embedded.nats import start_nats
from infra.embedded.postgres import start_postgres
from infra.embedded.resolve import NATS, POSTGRES, VALKEY, Kind, Places
from infra.embedded.service import Service
from infra.embedded.supervisor import supervised
from infra.embedded.valkey import start_valkey
from infra.settings import Settings
from infra.settings_values import redact_url


class Services(msgspec.Struct, frozen=True):
    """The three services, ready for connections."""

    postgres: Service
    nats: Service
    valkey: Service

    @property
    def database_url(self) -> str:
        """The database owner's URL, for asyncpg."""
        return self.postgres.url

    @property
    def nats_url(self) -> str:
        """The broker's URL, for nats-py."""
        return self.nats.url

    @property
    def redis_url(self) -> str:
        """The cache's URL, for redis-py."""
        return self.valkey.url


@asynccontextmanager
async def embedded_services(
    settings: Settings,
    *,
    durable: bool = True,
    places: Places | None = None,
    on_loss: Callable[[str], None] = lambda _reason: None,
) -> AsyncIterator[Services]:
    """Yield every service, started where its URL is not set; on leaving, what was started ends.

    `on_loss` hears, once, which of them ended before its time. Raises ServiceError. `durable=False`
    turns fsync off and is for tests alone.
    """
    database, broker, cache = settings.database_url, settings.nats_url, settings.redis_url
    if database and broker and cache:
        yield Services(_at(POSTGRES, database), _at(NATS, broker), _at(VALKEY, cache))
        return
    if settings.production:
        raise ServiceError("embedded services are refused in production")
    found_in = places or Places.of_this_machine()
    async with supervised(settings.data_dir) as supervisor:
        services = await _together(
            _given(POSTGRES, database)
            if database
            else start_postgres(supervisor, found_in, durable=durable),
            _given(NATS, broker) if broker else start_nats(supervisor, found_in, durable=durable),
            _given(VALKEY, cache) if cache else start_valkey(supervisor, found_in),
        )
        leaving = asyncio.Event()
        watching = asyncio.create_task(supervisor.watch(leaving, on_loss))
        try:
            yield Services(*services)
        finally:
            leaving.set()
            await watching


def _at(kind: Kind, url: str) -> Service:
    return Service(url, f"{kind.label} at {redact_url(url)} ({kind.variable})")


async def _given(kind: Kind, url: str) -> Service:
    return _at(kind, url)


async def _together(*starting: Coroutine[None, None, Service]) -> list[Service]:
    # Every start comes to its end, so that one message tells all that is wrong.
    results = await asyncio.gather(*starting, return_exceptions=True)
    services = [result for result in results if isinstance(result, Service)]
    failures = [result for result in results if isinstance(result, BaseException)]
    if not failures:
        return services
    for failure in failures:
        if not isinstance(failure, ServiceError):
            raise failure
    raise ServiceError("\n".join(str(failure) for failure in failures)) from failures[0]
