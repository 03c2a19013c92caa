"""Traces as the rest of the product sees them: spans that begin, and are told how they ended.

`infra/telemetry/otlp.py` implements these. Where no traces are wanted there is no tracer at all, so
that whoever could make a span asks one `is None` and goes on.
"""

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Protocol

TRACE_PARENT = re.compile(
    r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}"
)
"""A `traceparent` (W3C Trace Context, section 3.2) that names something."""

Value = str | int
"""Of an attribute. Never a secret or a personal datum: traces leave the product."""


class Kind(StrEnum):
    """What a span is to its parent: the kinds of OpenTelemetry."""

    SERVER = "server"
    CLIENT = "client"
    PRODUCER = "producer"
    CONSUMER = "consumer"
    INTERNAL = "internal"


class Span(Protocol):
    """A piece of work that has begun."""

    @property
    def trace_parent(self) -> str:
        """The `traceparent` for whatever follows from it."""
        ...

    @property
    def recorded(self) -> bool:
        """Whether anybody will see it: no, where its trace is not one of the share that is kept."""
        ...

    def note(self, attributes: Mapping[str, Value]) -> None:
        """Say more about it."""
        ...

    def end(self, error: str | None = None) -> None:
        """Say that it is over; `error` is a code of what went wrong (`error.type`)."""
        ...


class Tracer(Protocol):
    """Begins spans. It never raises and never waits, whatever becomes of them."""

    @property
    def handed_over(self) -> int:
        """How many spans whoever collects them has."""
        ...

    @property
    def lost(self) -> int:
        """How many spans nobody took."""
        ...

    def begin(
        self,
        name: str,
        kind: Kind,
        attributes: Mapping[str, Value],
        *,
        parent: str | None = None,
        links: Sequence[str] = (),
        at: int | None = None,
    ) -> Span:
        """Begin a span, in the trace of its parent or in one of its own.

        `parent` and `links` are of the form of `traceparent`; what is malformed counts as none.
        `at` is when it began, in nanoseconds since 1970, if that was not just now.
        """
        ...
