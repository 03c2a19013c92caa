"""The parts that run for long, and how they end: the API, the workers, projector and relay.

`ledgerpress serve`, `worker`, `projector` and `relay` run one each, `ledgerpress dev` all of them.
"""

import asyncio
import gc
import signal
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from uuid import UUID

from api.app import create_app
from api.server_problems import server_problem_body
from commands.clicks import ClickCounter, Recording
from commands.exports import KIND as EXPORT
from commands.maintenance import Maintenance
from infra.api_services import api_services
from infra.bootstrap import Product, file_removal
from infra.clicks import PostgresClicks, taken_row
from infra.clock import now
from infra.exports.history import PostgresPersonalHistory
from infra.exports.open import open_export_store, open_exports
from infra.files.open import open_blob_store, open_files
from infra.http_server.limits import HttpLimits
from infra.http_server.run import serve
from infra.identity.email_tokens import PostgresPasswordResets
from infra.identity.limits import redis_limiter
from infra.identity.sessions import PostgresSessions
from infra.images.previews import PillowPreviews
from infra.jobs.leases import PostgresJobLeases
from infra.mail.open import mail_sender
from infra.maintenance import PostgresMaintenance, watched
from infra.projections.projector_store import PostgresProjectorStore
from infra.projections.rebuild_requests import PostgresRebuildRequests, Rebuilder
from infra.relay.jetstream import JetStreamBroker
from infra.relay.relay_store import PostgresRelayStore
from infra.settings import Settings
from infra.store.answers import PostgresAnswers
from projections.registry import PROJECTIONS
from workers.blob_sweeper import run_blob_sweeper
from workers.clicks import run_click_flusher, run_click_recorder
from workers.export_contents import Sources
from workers.exports import export_work, run_export_keeper
from workers.file_remover import FilesOfDeletedPosts, run_file_remover
from workers.housekeeping import Forgetful, run_housekeeping
from workers.jobs import Work, run_jobs
from workers.mailer import run_mailer
from workers.previews import KIND as PREVIEWS
from workers.previews import Previewing, preview_work, run_preview_finder
from workers.projector import run_projector
from workers.rebuilder import run_rebuilder
from workers.relay import Relay, run_relay
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
        stored = open_files(product.database, settings)
        services = api_services(product, settings, limiter, stored)
        readiness = services.readiness

        def drain() -> None:
            readiness.draining = True

        def refuse(maintenance: Maintenance | None) -> None:
            readiness.maintenance = maintenance

        async with (
            counting_clicks(product, services.clicks),
            watched(PostgresMaintenance(product.database), refuse),
        ):
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
async def counting_clicks(product: Product, counter: ClickCounter) -> AsyncIterator[None]:
    """Hand over the clicks that are counted while inside, and the last of them on leaving."""
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(run_click_flusher(counter, PostgresClicks(product.database), stop=stop))
        try:
            yield
        finally:
            stop.set()


def job_kinds(product: Product, settings: Settings) -> Mapping[str, Work]:
    """Give what does each kind of job."""
    exports = open_export_store(settings)
    stored = open_files(product.database, settings)
    previewing = Previewing(
        product.files, product.file_queries, stored.store, stored.uploads, PillowPreviews()
    )
    return {
        PREVIEWS: preview_work(previewing, now),
        EXPORT: export_work(
            exports, product.job_queries, product.log, export_sources(product, settings)
        ),
    }


def export_sources(product: Product, settings: Settings) -> Sources:
    """Say where the contents of exports come from."""
    personal_data = product.personal_data

    async def unsealed(person_id: UUID, event_id: UUID, field: str, sealed: str) -> str | None:
        found = await personal_data.open(person_id, event_id, field, sealed)
        return found if isinstance(found, str) else None

    async def is_deleted(file_id: UUID) -> bool:
        row = await product.file_queries.head(file_id)
        return row is None or row.deleted

    return Sources(
        history=PostgresPersonalHistory(product.database),
        decode=product.codec.decode,
        unsealed=unsealed,
        open_blob=open_blob_store(settings).open,
        is_deleted=is_deleted,
    )


@asynccontextmanager
async def running_workers(product: Product, settings: Settings) -> AsyncIterator[None]:
    """Run the scheduler, the mailer, the jobs and the housekeeping while inside."""
    stop = asyncio.Event()
    scheduler = run_scheduler(
        product.ledger, product.posts, product.post_queries, now=now, stop=stop
    )
    mailer = run_mailer(
        product.mails, mail_sender(settings), filled=product.mails.filled, stop=stop
    )
    jobs = run_jobs(
        product.jobs,
        PostgresJobLeases(product.database),
        job_kinds(product, settings),
        listen=product.hints.listen,
        stop=stop,
    )
    exports = run_export_keeper(
        open_exports(product.jobs, product.job_queries, settings),
        product.job_queries,
        now=now,
        stop=stop,
    )
    previews = run_preview_finder(product.jobs, product.file_queries, now=now, stop=stop)
    clicks = run_click_recorder(click_recording(product), now=now, stop=stop)
    removal = file_removal(product, settings)
    remover = run_file_remover(removal, now=now, stop=stop)
    sweeper = run_blob_sweeper(open_files(product.database, settings).removal, stop=stop)
    housekeeping = run_housekeeping(
        (
            *kept_for_a_time(product),
            FilesOfDeletedPosts(removal, timedelta(days=settings.keep_unused_days)),
        ),
        now=now,
        stop=stop,
    )
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(scheduler)
        tasks.create_task(mailer)
        tasks.create_task(jobs)
        tasks.create_task(exports)
        tasks.create_task(previews)
        tasks.create_task(remover)
        tasks.create_task(sweeper)
        tasks.create_task(housekeeping)
        tasks.create_task(clicks)
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
        PostgresClicks(database),
        PostgresJobLeases(database),
    )


def click_recording(product: Product) -> Recording:
    """Put together what recording clicks needs."""
    return Recording(
        product.store, PostgresClicks(product.database), product.ledger.new_id, taken_row
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
async def running_relay(product: Product, nats_url: str) -> AsyncIterator[None]:
    """Publish every event to the broker while inside."""
    stop = asyncio.Event()
    relay = Relay(
        PostgresProjectorStore(product.database, product.store),
        PostgresRelayStore(product.database),
        JetStreamBroker(nats_url),
        decode=product.codec.decode,
        leader=product.ledger.new_id(),
    )
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(run_relay(relay, listen=product.hints.listen, stop=stop))
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
