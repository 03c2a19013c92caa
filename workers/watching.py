"""What workers tell of themselves: numbers that count up, and spans where traces are wanted.

Each span has as its parent what the event was part of, which the log remembers as its correlation.
So one trace goes from a request through projections, the relay and jobs, in whichever processes and
however much later they run.
"""

import time
from collections.abc import Sequence
from uuid import UUID

import msgspec

from commands.figures import WorkFigures
from commands.tracing import Kind, Span, Tracer
from domain import job
from domain.job import Job, JobStatus
from projections.registry import Projection
from projections.relaying import RELAY, Message
from projections.tracing import EventTraces, TracedEvent

_TRACE_ID = slice(3, 35)
"""Where the id of the trace is in a `traceparent`."""
_FAULTS = frozenset({"dead", "failed", "lost"})
"""What comes of attempts that is nothing good."""


class Watching:
    """Watches the workers of a process. Without a tracer it only counts."""

    def __init__(self, tracer: Tracer | None = None, traces: EventTraces | None = None) -> None:
        self.figures = WorkFigures()
        self._tracer = tracer
        self._traces = traces

    async def folded(self, projection: Projection, after: int, until: int, begun: int) -> None:
        """Hear that a batch of the log is in the rows; `begun` as `time.time_ns` tells it."""
        self.figures.followed[projection.name] += until - after
        if self._tracer is None or self._traces is None:
            return
        events = await self._traces.between(projection.category, after, until)
        for event in _first_of_each_trace(events):
            self._tracer.begin(
                f"fold {projection.name}",
                Kind.CONSUMER,
                {
                    "ledgerpress.projection": projection.name,
                    "ledgerpress.event.type": event.type,
                    "ledgerpress.event.position": event.position,
                    "messaging.batch.message_count": until - after,
                },
                parent=event.trace_parent,
                at=begun,
            ).end()

    def publishing(self) -> "Publishing":
        """Begin to watch a relay."""
        return Publishing(self.figures, self._tracer)

    async def attempt(self, job_id: UUID) -> "WatchedAttempt":
        """Hear that an attempt at a job begins."""
        span: Span | None = None
        if self._tracer is not None and self._traces is not None:
            parent = await self._traces.beginning(job.STREAM_CATEGORY, job_id)
            about = {"ledgerpress.job.id": str(job_id), "messaging.operation.type": "process"}
            span = self._tracer.begin("process job", Kind.CONSUMER, about, parent=parent)
        return WatchedAttempt(self.figures, span)


class Publishing:
    """The messages of a relay that are on their way."""

    def __init__(self, figures: WorkFigures, tracer: Tracer | None) -> None:
        self._figures = figures
        self._tracer = tracer
        self._under_way: dict[int, Span] = {}

    def begins(self, message: Message) -> Message:
        """Give the message as it is to be sent: whoever gets it goes on with this span."""
        parent = message.headers.get("traceparent")
        if self._tracer is None or parent is None:
            return message
        about = {
            "messaging.system": "nats",
            "messaging.operation.type": "send",
            "messaging.operation.name": "publish",
            "messaging.destination.name": message.subject,
            "messaging.message.id": message.headers["Nats-Msg-Id"],
        }
        span = self._tracer.begin(f"publish {message.subject}", Kind.PRODUCER, about, parent=parent)
        if not span.recorded:
            return message
        self._under_way[message.position] = span
        headers = {**message.headers, "traceparent": span.trace_parent}
        return msgspec.structs.replace(message, headers=headers)

    def stored(self, after: int, until: int) -> None:
        """Hear that the messages up to a position are stored."""
        self._figures.followed[RELAY.name] += until - after
        for position in [each for each in self._under_way if each <= until]:
            self._under_way.pop(position).end()

    def forgotten(self) -> None:
        """Hear that nobody knows what became of those under way: they will be sent again."""
        self._under_way.clear()


class WatchedAttempt:
    """An attempt at a job that has begun."""

    def __init__(self, figures: WorkFigures, span: Span | None) -> None:
        self._figures = figures
        self._span = span
        self._begun = time.monotonic()
        self.trace_parent = None if span is None else span.trace_parent
        """For the events that tell of the attempt."""

    def ended(self, held: Job | None, outcome: str | None) -> None:
        """Hear how it ended, and how the job then stands; None where there was nothing to do."""
        if held is None:
            return
        result = "dead" if held.status is JobStatus.FAILED else outcome
        if result is None:
            return
        self._figures.attempts[held.kind, result] += 1
        self._figures.attempt_seconds[held.kind] += time.monotonic() - self._begun
        if self._span is not None:
            kind, attempt = held.kind, held.attempts
            self._span.note({"ledgerpress.job.kind": kind, "ledgerpress.job.attempt": attempt})
            self._span.end(result if result in _FAULTS else None)


def _first_of_each_trace(events: Sequence[TracedEvent]) -> Sequence[TracedEvent]:
    first: dict[str, TracedEvent] = {}
    for event in events:
        first.setdefault(event.trace_parent[_TRACE_ID], event)
    return list(first.values())
