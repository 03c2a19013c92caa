"""The parts that run for long, and how they end: the API, the workers and the projector.

`ledgerpress serve`, `worker` and `projector` run one each, `ledgerpress dev` all of them.
"""

import asyncio
import gc
import signal
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager

from api.app import create_app
from api.server_problems import server_problem_body
from infra.api_services import api_services
from infra.bootstrap import Product
from infra.clock import now
from infra.http_server.limits import HttpLimits
from infra.http_server.run import serve
from infra.identity.email_tokens import PostgresPasswordResets
from infra.identity.limits import redis_limiter
from infra.identity.sessions import PostgresSessions
from infra.mail.open import mail_sender
from infra.projections.projector_store import PostgresProjectorStore
from infra.projections.rebuild_requests import PostgresRebuildRequests, Rebuilder
from infra.settings import Settings
from infra.store.answers import PostgresAnswers
from projections.registry import PROJECTIONS
from workers.housekeeping import Forgetful, run_housekeeping
from workers.mailer import run_mailer
from workers.projector import run_projector
from workers.rebuilder import run_rebuilder
from workers.scheduler import run_scheduler


async def run_api(
    product: Product,
    settings: Settings,
    *,
    redis_url: str,
    stop: asyncio.Event,
    on_ready: Callable[[str], None],
    limits: HttpLimits | None = None,
) -> None:
    """Serve the API at BIND until `stop` is set. Raises `OSError` where BIND cannot be bound."""
    spare_the_collector()
    async with redis_limiter(redis_url, key=product.keys.attempts) as limiter:
        services = api_services(product, settings, limiter)
        readiness = services.readiness

        def drain() -> None:
            readiness.draining = True

        await serve(
            create_app(services),
            host=settings.bind_host,
            port=settings.bind_port,
            stop=stop,
            limits=limits,
            problem_body=server_problem_body(services.public_url),
            on_ready=on_ready,
            on_draining=drain,
        )


@asynccontextmanager
async def running_workers(product: Product, settings: Settings) -> AsyncIterator[None]:
    """Run the scheduler, the mailer and the housekeeping while inside."""
    stop = asyncio.Event()
    scheduler = run_scheduler(
        product.ledger, product.posts, product.post_queries, now=now, stop=stop
    )
    mailer = run_mailer(
        product.mails, mail_sender(settings), filled=product.mails.filled, stop=stop
    )
    housekeeping = run_housekeeping(kept_for_a_time(product), now=now, stop=stop)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(scheduler)
        tasks.create_task(mailer)
        tasks.create_task(housekeeping)
        try:
            yield
        finally:
            stop.set()


def kept_for_a_time(product: Product) -> Sequence[Forgetful]:
    """Give whatever is not kept for good."""
    database = product.database
    return (
        PostgresAnswers(database),
        PostgresSessions(database),
        product.registrations,
        PostgresPasswordResets(database),
        PostgresRebuildRequests(database),
    )


@asynccontextmanager
async def running_projector(product: Product) -> AsyncIterator[None]:
    """Run the projections that are not written with the events while inside."""
    stop = asyncio.Event()
    projector = run_projector(
        [projection for projection in PROJECTIONS.values() if not projection.inline],
        PostgresProjectorStore(product.database, product.store),
        decode=product.codec.decode,
        leader=product.ledger.new_id(),
        listen=product.hints.listen,
        stop=stop,
    )
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(projector)
        try:
            yield
        finally:
            stop.set()


@asynccontextmanager
async def running_rebuilder(product: Product, database_url: str) -> AsyncIterator[None]:
    """Do the rebuilds that operators ask for while inside."""
    stop = asyncio.Event()
    requests = PostgresRebuildRequests(product.database)
    rebuilder = run_rebuilder(
        requests,
        Rebuilder(database_url, requests, now),
        new_id=product.ledger.new_id,
        stop=stop,
    )
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(rebuilder)
        try:
            yield
        finally:
            stop.set()


@contextmanager
def stopped_by_signals() -> Iterator[asyncio.Event]:
    """Give an event that Ctrl-C and SIGTERM set."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    numbers = (signal.SIGINT, signal.SIGTERM)
    for number in numbers:
        loop.add_signal_handler(number, stop.set)
    try:
        yield stop
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)


def spare_the_collector() -> None:
    """Keep the garbage collector off what lives as long as the process.

    Each request leaves a few tracked objects; at the default threshold the collector walked all
    that was ever loaded again and again, a third of the time of a read.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)
