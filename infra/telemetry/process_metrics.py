"""What a process tells Prometheus beside the requests that it answers.

Its own numbers first, then how things stand by the database's word. docs/observability.md lists
all of them, and a test compares that list with what is told here.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from commands.figures import WorkFigures
from commands.tracing import Tracer
from infra.postgres import Database
from infra.settings import Settings
from infra.store.append_figures import GROUP_BOUNDS, RESULTS, SECONDS_BOUNDS, AppendFigures
from infra.telemetry.event_loop import LAG_BOUNDS, LoopLag
from infra.telemetry.standing import Room, room, standing
from infra.telemetry.standing_families import standing_families


class UploadFigures(Protocol):
    """What is known of uploads; see `infra.files.uploads.HeldUploads`."""

    @property
    def under_way(self) -> int:
        """How many there are at this moment."""
        ...

    @property
    def received_bytes(self) -> int:
        """Of all files that came whole."""
        ...


class ProcessMetrics:
    """The figures of one process."""

    def __init__(
        self,
        settings: Settings,
        *,
        database: Database,
        appends: AppendFigures,
        work: WorkFigures,
        tracer: Tracer | None,
        uploads: UploadFigures | None = None,
    ) -> None:
        self._database = database
        self._folder = _folder(settings)
        self._lag = LoopLag()
        self._own: list[Collector] = [
            _Counted(appends, work, self._lag, tracer),
            _Connections(database),
            ProcessCollector(registry=None),
        ]
        if uploads is not None:
            self._own.append(_Uploads(uploads))

    @contextmanager
    def measuring(self) -> Iterator[None]:
        """Measure, while inside, what has to be measured all the time."""
        with self._lag.measured():
            yield

    async def text(self, *beside: Collector) -> bytes:
        """Write everything in the format that Prometheus reads; also in an outage."""
        found, left = await standing(self._database), await room(self._folder)
        registry = CollectorRegistry()
        for collector in (*beside, *self._own, _Given(standing_families(found)), _Room(left)):
            registry.register(collector)
        return generate_latest(registry)


class _Given(Collector):
    """Families that were made before."""

    def __init__(self, families: Sequence[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        yield from self._families


class _Counted(Collector):
    """What the store, the workers, the event loop and the traces count."""

    def __init__(
        self, appends: AppendFigures, work: WorkFigures, lag: LoopLag, tracer: Tracer | None
    ) -> None:
        self._appends = appends
        self._work = work
        self._lag = lag
        self._tracer = tracer

    def collect(self) -> Iterator[Metric]:
        yield from self._of_appends()
        yield from self._of_work()
        yield _histogram(
            "ledgerpress_event_loop_lag_seconds",
            "How late a timer of the event loop goes off.",
            LAG_BOUNDS,
            self._lag.counts,
            self._lag.seconds,
        )
        spans = CounterMetricFamily(
            "ledgerpress_trace_spans",
            "Spans that were handed over to the collector, or lost as it did not take them.",
            labels=("result",),
        )
        if self._tracer is not None:
            spans.add_metric(("handed_over",), self._tracer.handed_over)
            spans.add_metric(("lost",), self._tracer.lost)
        yield spans

    def _of_appends(self) -> Iterator[Metric]:
        figures = self._appends
        appends = CounterMetricFamily(
            "ledgerpress_log_appends",
            "Appends of this process, by what came of them.",
            labels=("result",),
        )
        for result, count in zip(RESULTS, figures.results, strict=True):
            appends.add_metric((result,), count)
        appends.add_metric(("unavailable",), figures.unavailable)
        yield appends
        yield CounterMetricFamily(
            "ledgerpress_log_events", "Events that this process appended.", value=figures.events
        )
        yield _histogram(
            "ledgerpress_log_group_appends",
            "Appends that were written together.",
            GROUP_BOUNDS,
            figures.groups,
            figures.grouped,
        )
        yield _histogram(
            "ledgerpress_log_group_seconds",
            "Time that writing a group of appends took.",
            SECONDS_BOUNDS,
            figures.durations,
            figures.seconds,
        )

    def _of_work(self) -> Iterator[Metric]:
        figures = self._work
        attempts = CounterMetricFamily(
            "ledgerpress_job_attempts",
            "Attempts at jobs by this process, by what came of them.",
            labels=("kind", "result"),
        )
        for (kind, result), count in figures.attempts.items():
            attempts.add_metric((kind, result), count)
        yield attempts
        seconds = CounterMetricFamily(
            "ledgerpress_job_attempt_seconds",
            "Time that these attempts took.",
            labels=("kind",),
        )
        for kind, took in figures.attempt_seconds.items():
            seconds.add_metric((kind,), took)
        yield seconds
        followed = CounterMetricFamily(
            "ledgerpress_followed_events",
            "Events of the log that this process folded or published.",
            labels=("follower",),
        )
        for follower, count in figures.followed.items():
            followed.add_metric((follower,), count)
        yield followed


class _Connections(Collector):
    """The way to PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def collect(self) -> Iterator[Metric]:
        size, idle, most = self._database.connections
        pool = GaugeMetricFamily(
            "ledgerpress_database_pool_connections",
            "Connections of the pool.",
            labels=("state",),
        )
        pool.add_metric(("in_use",), size - idle)
        pool.add_metric(("idle",), idle)
        yield pool
        yield GaugeMetricFamily(
            "ledgerpress_database_pool_limit", "Connections that the pool may have.", value=most
        )
        breaker = self._database.breaker
        yield CounterMetricFamily(
            "ledgerpress_database_failures",
            "Times that PostgreSQL gave no connection or no answer.",
            value=breaker.failures,
        )
        yield GaugeMetricFamily(
            "ledgerpress_breaker_open",
            "1 while everybody is refused until PostgreSQL answers again.",
            value=float(breaker.is_open),
        )
        yield CounterMetricFamily(
            "ledgerpress_breaker_openings",
            "Times that the circuit breaker opened.",
            value=breaker.openings,
        )


class _Uploads(Collector):
    """Files that come."""

    def __init__(self, uploads: UploadFigures) -> None:
        self._uploads = uploads

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily(
            "ledgerpress_uploads_in_flight",
            "Uploads that are under way.",
            value=self._uploads.under_way,
        )
        yield CounterMetricFamily(
            "ledgerpress_upload_bytes",
            "Bytes of the files that came whole.",
            value=self._uploads.received_bytes,
        )


class _Room(Collector):
    """The disk of the files."""

    def __init__(self, found: Room | None) -> None:
        self._found = found

    def collect(self) -> Iterator[Metric]:
        free = GaugeMetricFamily(
            "ledgerpress_storage_free_bytes", "Room on the disk where files are kept, or gather."
        )
        whole = GaugeMetricFamily("ledgerpress_storage_size_bytes", "Size of that disk.")
        if self._found is not None:
            free.add_metric((), self._found.free_bytes)
            whole.add_metric((), self._found.whole_bytes)
        yield from (free, whole)


def _folder(settings: Settings) -> Path:
    """Give the folder of the files, or that in which uploads to a bucket gather."""
    url = settings.storage_url
    if url is not None and url.startswith("file:"):
        return Path(unquote(urlsplit(url).path))
    return settings.data_dir


def _histogram(
    name: str, text: str, bounds: Sequence[float], counts: Sequence[int], total: float
) -> HistogramMetricFamily:
    cumulative, so_far = [], 0
    for bound, count in zip((*map(str, bounds), "+Inf"), counts, strict=True):
        so_far += count
        cumulative.append((bound, so_far))
    return HistogramMetricFamily(name, text, buckets=cumulative, sum_value=total)
