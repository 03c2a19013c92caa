"""The spans of appends, where traces are made: one for each append, and one for each group.

An append's span is in the trace of what it is for, the group's in one of its own, as a group is
written for many: the two name each other by links.
"""

import time
from collections.abc import Sequence

from commands.ports import Append, Appended, AppendResult
from commands.tracing import Kind, Span, Tracer, Value

_DATABASE: dict[str, Value] = {
    "db.system.name": "postgresql",
    "db.operation.name": "append_events",
}


class AppendSpans:
    """Makes the spans of one store."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    def begin(self, append: Append) -> Span | None:
        """Begin the span of an append; none where it is part of nothing."""
        parent = append.metadata.correlation
        if parent is None:
            return None
        about: dict[str, Value] = {
            **_DATABASE,
            "ledgerpress.stream": str(append.stream),
            "ledgerpress.command": append.metadata.command,
            "ledgerpress.events": len(append.events),
        }
        name = f"append {append.stream.category}"
        return self._tracer.begin(name, Kind.CLIENT, about, parent=parent)

    def end(self, span: Span, result: AppendResult | BaseException) -> None:
        """End it, with what came of it. Being refused is no fault of the store."""
        if isinstance(result, BaseException):
            span.end(type(result).__name__)
            return
        if isinstance(result, Appended):
            span.note({"ledgerpress.position": result.position})
        span.note({"ledgerpress.append.result": type(result).__name__})
        span.end()

    def group(self, members: Sequence[Span], appends: int, seconds: float) -> None:
        """Tell of a group that was written, and its members of the group."""
        recorded = [span for span in members if span.recorded]
        if not recorded:
            return
        group = self._tracer.begin(
            "append_events",
            Kind.CLIENT,
            {**_DATABASE, "db.operation.batch.size": appends},
            links=[span.trace_parent for span in recorded],
            at=time.time_ns() - int(seconds * 1e9),
        )
        group.end()
        for span in recorded:
            span.note(
                {
                    "db.operation.batch.size": appends,
                    "ledgerpress.append.group": group.trace_parent,
                }
            )
