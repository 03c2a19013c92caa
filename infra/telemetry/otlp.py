"""Traces over OTLP/HTTP, by OpenTelemetry's SDK: see `commands.tracing`.

This module alone imports the SDK, and only `infra/telemetry/traces.py` imports this one, once
traces are wanted. Spans go through a bounded queue to a thread; what does not fit is dropped.
Nothing of the SDK is global here: no provider is set and no context is kept, parents are given by
hand.
"""

import os
import socket
import threading
from collections.abc import Mapping, Sequence
from importlib.metadata import version

import structlog
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)
from opentelemetry.trace import Span as OpenTelemetrySpan

from commands.tracing import TRACE_PARENT, Kind, Value

QUEUE_SPANS = 2048
BATCH_SPANS = 512
EVERY_SECONDS = 1.0
EXPORT_SECONDS = 2.0
"""For one request to the collector, its repetitions included."""
CLOSE_SECONDS = 2.0
"""How long the end of a process waits for its last spans."""

_KINDS = {
    Kind.SERVER: SpanKind.SERVER,
    Kind.CLIENT: SpanKind.CLIENT,
    Kind.PRODUCER: SpanKind.PRODUCER,
    Kind.CONSUMER: SpanKind.CONSUMER,
    Kind.INTERNAL: SpanKind.INTERNAL,
}

_log = structlog.stdlib.get_logger("ledgerpress.traces")


class OtlpTracer:
    """Begins spans that are handed over to a collector."""

    def __init__(self, url: str, *, service: str, share: float) -> None:
        """Hand over to the collector at this base URL a share, 0 to 1, of all traces."""
        self._exporter = _TellingExporter(
            OTLPSpanExporter(endpoint=f"{url.rstrip('/')}/v1/traces", timeout=EXPORT_SECONDS)
        )
        self._provider = TracerProvider(
            sampler=ParentBased(TraceIdRatioBased(share)),
            resource=Resource.create(
                {
                    "service.name": service,
                    "service.namespace": "ledgerpress",
                    "service.version": version("ledgerpress"),
                    "service.instance.id": f"{socket.gethostname()}:{os.getpid()}",
                }
            ),
            shutdown_on_exit=False,
        )
        self._provider.add_span_processor(
            BatchSpanProcessor(
                self._exporter,
                max_queue_size=QUEUE_SPANS,
                max_export_batch_size=BATCH_SPANS,
                schedule_delay_millis=EVERY_SECONDS * 1000,
            )
        )
        self._tracer = self._provider.get_tracer("ledgerpress")

    @property
    def handed_over(self) -> int:
        """How many spans the collector has."""
        return self._exporter.handed_over

    @property
    def lost(self) -> int:
        """How many spans it did not take; those that found the queue full are not counted."""
        return self._exporter.lost

    def begin(
        self,
        name: str,
        kind: Kind,
        attributes: Mapping[str, Value],
        *,
        parent: str | None = None,
        links: Sequence[str] = (),
        at: int | None = None,
    ) -> "OtlpSpan":
        """Begin a span, in the trace of its parent or in one of its own."""
        before = None if parent is None else _context(parent)
        linked = [Link(context) for context in map(_context, links) if context is not None]
        span = self._tracer.start_span(
            name,
            # Never what the SDK takes for the present context: an empty one.
            Context() if before is None else set_span_in_context(NonRecordingSpan(before)),
            kind=_KINDS[kind],
            attributes=attributes,
            links=linked,
            start_time=at,
        )
        return OtlpSpan(span)

    def close(self) -> None:
        """Hand over what is left, and give up after `CLOSE_SECONDS`. Blocks for so long at most.

        The SDK would wait for half a minute. A thread that waits still ends with the process.
        """
        closing = threading.Thread(target=self._provider.shutdown, daemon=True)
        closing.start()
        closing.join(CLOSE_SECONDS)
        if closing.is_alive():
            self._exporter.shutdown()
            _log.warning("the last traces were not handed over")


class OtlpSpan:
    """See `commands.tracing.Span`."""

    __slots__ = ("_span",)

    def __init__(self, span: OpenTelemetrySpan) -> None:
        self._span = span

    @property
    def trace_parent(self) -> str:
        """The `traceparent` for whatever follows from it."""
        context = self._span.get_span_context()
        return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"

    @property
    def recorded(self) -> bool:
        """Whether anybody will see it."""
        return self._span.is_recording()

    def note(self, attributes: Mapping[str, Value]) -> None:
        """Say more about it."""
        self._span.set_attributes(attributes)

    def end(self, error: str | None = None) -> None:
        """Say that it is over."""
        if error is not None:
            self._span.set_attribute("error.type", error)
            self._span.set_status(StatusCode.ERROR)
        self._span.end()


class _TellingExporter(SpanExporter):
    """Counts what becomes of spans, and logs a collector's trouble once rather than each time."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self._reached = True
        self.handed_over = 0
        self.lost = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Hand spans over."""
        result = self._exporter.export(spans)
        reached = result is SpanExportResult.SUCCESS
        if reached:
            self.handed_over += len(spans)
        else:
            self.lost += len(spans)
        if reached != self._reached:
            self._reached = reached
            if reached:
                _log.info("traces are handed over again")
            else:
                _log.warning("traces cannot be handed over and are lost")
        return result

    def shutdown(self) -> None:
        """Interrupt what is under way."""
        self._exporter.shutdown()


def _context(trace_parent: str) -> SpanContext | None:
    """Read a `traceparent`; None where it is malformed or names nothing."""
    if TRACE_PARENT.fullmatch(trace_parent) is None:
        return None
    _, trace_id, span_id, flags = trace_parent.split("-")
    sampled = TraceFlags(int(flags, 16) & TraceFlags.SAMPLED)
    return SpanContext(int(trace_id, 16), int(span_id, 16), is_remote=True, trace_flags=sampled)
