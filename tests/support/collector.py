"""A collector of traces on the loopback address: takes OTLP over HTTP and keeps every span."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span as WireSpan
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from infra.http_server.limits import HttpLimits
from infra.http_server.run import serve


class Seen(NamedTuple):
    """A span as it came over the wire."""

    service: str
    name: str
    kind: str
    trace: str
    id: str
    parent: str
    failed: bool
    links: Sequence[str]
    """The traces that it is linked to."""
    attributes: dict[str, str | int]


class Collector:
    """What was handed over."""

    def __init__(self) -> None:
        self.address = ""
        self.spans: list[Seen] = []
        self.bodies = bytearray()
        """All of it as it came, to search."""

    def named(self, name: str) -> list[Seen]:
        """Give the spans of a name."""
        return [span for span in self.spans if span.name == name]

    def one(self, name: str, **attributes: str) -> Seen:
        """Give the one span of a name and with these attributes of ours, dots as underscores."""
        wanted = {f"ledgerpress.{key.replace('_', '.')}": attributes[key] for key in attributes}
        (found,) = [span for span in self.named(name) if wanted.items() <= span.attributes.items()]
        return found

    def trace(self, trace: str) -> list[Seen]:
        """Give the spans of a trace."""
        return [span for span in self.spans if span.trace == trace]

    async def _take(self, scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI's
        if scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        assert scope["path"] == "/v1/traces"
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        self.bodies += body
        self.spans += _spans(ExportTraceServiceRequest.FromString(body))
        fields = [(b"content-type", b"application/x-protobuf"), (b"content-length", b"0")]
        await send({"type": "http.response.start", "status": 200, "headers": fields})
        await send({"type": "http.response.body", "body": b""})


@asynccontextmanager
async def collecting() -> AsyncIterator[Collector]:
    """Run a collector while inside."""
    collector = Collector()
    ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    stop = asyncio.Event()
    running = asyncio.create_task(
        serve(
            collector._take,  # noqa: SLF001 - of this module
            stop=stop,
            limits=HttpLimits(drain_grace_seconds=0),
            on_ready=ready.set_result,
        )
    )
    try:
        async with asyncio.timeout(10):
            collector.address = await ready
        yield collector
    finally:
        stop.set()
        await running


def _spans(request: ExportTraceServiceRequest) -> list[Seen]:
    return [
        Seen(
            service=str(_attributes(resource.resource.attributes)["service.name"]),
            name=span.name,
            kind=WireSpan.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_").lower(),
            trace=span.trace_id.hex(),
            id=span.span_id.hex(),
            parent=span.parent_span_id.hex(),
            failed=span.status.code == Status.STATUS_CODE_ERROR,
            links=[link.trace_id.hex() for link in span.links],
            attributes=_attributes(span.attributes),
        )
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


def _attributes(given: Any) -> dict[str, str | int]:  # noqa: ANN401 - of protobuf's making
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in given}
