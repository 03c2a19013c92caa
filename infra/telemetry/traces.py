"""Opens what traces need, where they are wanted; elsewhere OpenTelemetry is not even imported."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

import msgspec

from commands.ports import StoreUnavailableError
from commands.tracing import TRACE_PARENT, Tracer
from infra.postgres import Database
from infra.settings import Settings
from projections.database import load_queries
from projections.tracing import TracedEvent

QUERIES = load_queries(Path(__file__).with_name("traces.sql"))


class _Metadata(msgspec.Struct):
    correlation: str | None = None


_metadata_of = msgspec.json.Decoder(_Metadata).decode


@asynccontextmanager
async def traced(settings: Settings, process: str) -> AsyncIterator[Tracer | None]:
    """Give a tracer while inside, if TRACES_URL is set; `process` is which of ours this is."""
    if settings.traces_url is None:
        yield None
        return
    # The SDK is 25 ms and some megabytes that nobody else should pay.
    from infra.telemetry.otlp import OtlpTracer  # noqa: PLC0415

    # It says again and again what `OtlpTracer` says once.
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
    tracer = OtlpTracer(
        settings.traces_url, service=f"ledgerpress-{process}", share=settings.traces_share
    )
    try:
        yield tracer
    finally:
        await asyncio.get_running_loop().run_in_executor(None, tracer.close)


class LoggedTraces:
    """Finds in the log what events were part of: see `projections.tracing.EventTraces`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def between(self, category: str, after: int, until: int) -> Sequence[TracedEvent]:
        """Give the events of a category after a position that were part of a trace."""
        return await self._found("between", category, after, until)

    async def beginning(self, category: str, stream_id: UUID) -> str | None:
        """Give the `traceparent` of a stream's first event, if it has one."""
        found = await self._found("beginning", category, stream_id)
        return found[0].trace_parent if found else None

    async def _found(self, query: str, *args: object) -> Sequence[TracedEvent]:
        try:
            rows = await self._database.fetch(QUERIES[query], *args)
        except StoreUnavailableError:
            return ()  # a trace with a gap harms nobody
        found = (
            TracedEvent(row[0], row[1], _metadata_of(row[2]).correlation or "") for row in rows
        )
        return [each for each in found if TRACE_PARENT.fullmatch(each.trace_parent)]
