"""The parts that run for long, and how they end: the API, the workers, projector and relay.

`ledgerpress serve`, `worker`, `projector` and `relay` run one each, `ledgerpress dev` all of them.
"""

import asyncio
import gc
import random
import signal
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, closing, contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

from api.app import create_app
from api.metrics import Metrics
from api.server_problems import server_problem_body
from api.services import Figures
from commands.clicks import ClickCounter, Recording
from commands.exports import KIND as EXPORT
from commands.maintenance import Maintenance
from infra.api_services import api_services, process_metrics
from infra.bootstrap import Product, file_removal
from infra.clicks import PostgresClicks, taken_row
from infra.clock import now
from infra.exports.history import PostgresPersonalHistory
from infra.exports.open import open_export_store, open_exports
from infra.files.open import open_blob_store, open_files
from infra.http_server.limits import HttpLimits
from infra.http_server.listening import listen_tcp
from infra.http_server.run import serve
from infra.identity.email_tokens import PostgresPasswordResets
from infra.identity.limits import redis_limiter
from infra.identity.personal_data import Erased
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
from infra.telemetry.listener import listening
from infra.webhooks.open import webhook_commands, webhook_secrets
from infra.webhooks.sender import HttpSender
from infra.webhooks.work import PostgresWebhookWork
from projections.registry import PROJECTIONS
from projections.webhook_delivering import Sender
from workers.blob_sweeper import run_blob_sweeper
from workers.clicks import run_click_flusher, run_click_recorder
from workers.export_contents import Sources, Unsealing
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
from workers.webhooks import Delivering, run_webhooks


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
    # First of all: where BIND leaves the port open, what clients are told has to name it.
    with closing(listen_tcp(settings.bind_host, settings.bind_port)) as listener:
        settings = settings.bound_to(listener.getsockname()[1])
        async with redis_limiter(redis_url, key=product.keys.attempts) as limiter:
            stored = open_files(product.database, settings)
            services = api_services(product, settings, limiter, stored)
            metrics = Metrics()
            readiness = services.readiness

            def drain() -> None:
                readiness.draining = True

            def refuse(maintenance: Maintenance | None) -> None:
                readiness.maintenance = maintenance

            async with (
                measuring(services.figures),
                counting_clicks(product, services.clicks),
                watched(PostgresMaintenance(product.database), refuse),
            ):
                await serve(
                    create_app(services, metrics),
                    listener=listener,
                    stop=stop,
                    limits=limits,
                    problem_body=server_problem_body(services.public_url),
                    on_refused=metrics.refused,
                    on_ready=on_ready,
                    on_draining=drain,
                )


@asynccontextmanager
async def _working(*tasks: Coroutine[Any, Any, None], stop: asyncio.Event) -> AsyncIterator[None]:
    """Run tasks while inside; on leaving they are told to stop and waited for."""
    async with asyncio.TaskGroup() as group:
        for task in tasks:
            group.create_task(task)
        try:
            yield
        finally:
            stop.set()


@asynccontextmanager
async def measuring(figures: Figures) -> AsyncIterator[None]:
    """Measure what has to be measured all the time while inside."""
    with figures.measuring():
        yield


@asynccontextmanager
async def showing_metrics(
    product: Product, settings: Settings, address: tuple[str, int]
) -> AsyncIterator[str]:
    """Answer Prometheus while inside, in a process without an API; gives where.

    Raises `OSError` where the address cannot be bound.
    """
    figures = process_metrics(product, settings)
    host, port = address
    async with measuring(figures), listening(host, port, figures.text) as where:
        yield where


@asynccontextmanager
async def counting_clicks(product: Product, counter: ClickCounter) -> AsyncIterator[None]:
    """Hand over the clicks that are counted while inside, and the last of them on leaving."""
    stop = asyncio.Event()
    async with _working(
        run_click_flusher(counter, PostgresClicks(product.database), stop=stop), stop=stop
    ):
        yield


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

    async def unsealing(person_id: UUID) -> Unsealing | None:
        key = await personal_data.key_of(person_id)
        return None if isinstance(key, Erased) else key.open

    async def is_deleted(file_id: UUID) -> bool:
        row = await product.file_queries.head(file_id)
        return row is None or row.deleted

    return Sources(
        history=PostgresPersonalHistory(product.database),
        decode=product.codec.decode,
        unsealing=unsealing,
        open_blob=open_blob_store(settings).open,
        is_deleted=is_deleted,
    )


@asynccontextmanager
async def running_workers(product: Product, settings: Settings) -> AsyncIterator[None]:
    """Run the scheduler, the mailer, the jobs, the webhooks and the housekeeping while inside."""
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
        watching=product.watching,
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
    async with _working(
        scheduler,
        mailer,
        jobs,
        exports,
        previews,
        remover,
        sweeper,
        housekeeping,
        clicks,
        _deliver(product, settings, stop),
        stop=stop,
    ):
        yield


async def _deliver(product: Product, settings: Settings, stop: asyncio.Event) -> None:
    """Send events to the addresses that operators registered, where the settings allow any."""
    if not settings.webhook_allowed_hosts:
        return
    sender = HttpSender(settings.webhook_allowed_hosts)
    try:
        await run_webhooks(
            delivering(product, settings, sender), listen=product.hints.listen, stop=stop
        )
    finally:
        await sender.close()


def delivering(product: Product, settings: Settings, sender: Sender) -> Delivering:
    """Put together what delivering works with."""
    return Delivering(
        webhooks=webhook_commands(product.ledger, product.keys, settings),
        work=webhook_work(product),
        sender=sender,
        decode=product.codec.decode,
        now=now,
        jitter=random.random,
    )


def webhook_work(product: Product) -> PostgresWebhookWork:
    """Say who delivers for which webhook."""
    return PostgresWebhookWork(
        product.database, webhook_secrets(product.keys), product.ledger.new_id
    )


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
        webhook_work(product),
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
        watching=product.watching,
    )
    async with _working(projector, stop=stop):
        yield


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
        watching=product.watching,
    )
    async with _working(run_relay(relay, listen=product.hints.listen, stop=stop), stop=stop):
        yield


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
    async with _working(rebuilder, stop=stop):
        yield


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


def share_with_threads() -> None:
    """Let threads that hash and write files wait no longer than half a millisecond for the loop.

    They need the interpreter for moments only; at the default each of these could cost them five.
    """
    sys.setswitchinterval(0.0005)


def spare_the_collector() -> None:
    """Keep the garbage collector off what lives as long as the process.

    Each request leaves a few tracked objects; at the default threshold the collector walked all
    that was ever loaded again and again, a third of the time of a read.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)
