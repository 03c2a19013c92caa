"""What workers count of themselves, and which spans they make."""

from collections.abc import Mapping, Sequence
from uuid import UUID

import msgspec
import pytest
from uuid_utils.compat import uuid7

from commands.tracing import Kind, Value
from domain import job
from domain.job import Job, JobStatus
from projections.registry import PROJECTIONS
from projections.relaying import Message
from projections.tracing import TracedEvent
from tests.support.log import AT
from workers.watching import Watching

KEPT = f"00-{'a' * 32}-{'b' * 16}-01"
OTHER = f"00-{'c' * 32}-{'d' * 16}-01"
DROPPED = f"00-{'e' * 32}-{'f' * 16}-00"


class KeptSpan:
    """A span that remembers what became of it."""

    def __init__(self, name: str, parent: str | None, number: int) -> None:
        self.name = name
        self.parent = parent
        self.recorded = parent is None or parent.endswith("1")
        self.trace_parent = f"{(parent or KEPT)[:36]}{number:016x}-01"
        self.noted: dict[str, Value] = {}
        self.ended: list[str | None] = []

    def note(self, attributes: Mapping[str, Value]) -> None:
        """Take note."""
        self.noted |= attributes

    def end(self, error: str | None = None) -> None:
        """End it."""
        self.ended.append(error)


class KeepingTracer:
    """Keeps spans in memory."""

    handed_over = lost = 0

    def __init__(self) -> None:
        self.spans: list[KeptSpan] = []

    def begin(
        self,
        name: str,
        kind: Kind,  # noqa: ARG002 - of the protocol
        attributes: Mapping[str, Value],
        *,
        parent: str | None = None,
        links: Sequence[str] = (),  # noqa: ARG002 - as above
        at: int | None = None,  # noqa: ARG002 - as above
    ) -> KeptSpan:
        """Begin one."""
        span = KeptSpan(name, parent, len(self.spans) + 1)
        span.note(attributes)
        self.spans.append(span)
        return span


class KnownTraces:
    """Knows the same of every stream."""

    def __init__(self, *events: TracedEvent) -> None:
        self._events = events

    async def between(self, category: str, after: int, until: int) -> Sequence[TracedEvent]:
        """Give those in the span of positions."""
        assert category == "post"
        return [each for each in self._events if after < each.position <= until]

    async def beginning(self, category: str, stream_id: UUID) -> str | None:  # noqa: ARG002 - see above
        """Give that of the first."""
        assert category == "job"
        return self._events[0].trace_parent


def a_message(position: int, trace_parent: str | None) -> Message:
    """Make a message of the relay's."""
    headers = {"Nats-Msg-Id": str(uuid7())}
    if trace_parent is not None:
        headers["traceparent"] = trace_parent
    return Message(position, "ledgerpress.events.post.created.v1", headers, b"{}")


def a_job(status: JobStatus) -> Job:
    """Make a job at its third attempt."""
    requested = job.evolve(None, job.Requested("export"), id=uuid7(), version=1, at=AT)
    return msgspec.structs.replace(requested, status=status, attempts=3)


async def test_a_batch_has_a_span_for_each_trace() -> None:
    """However many of a trace's events are in it."""
    tracer = KeepingTracer()
    events = [
        TracedEvent(3, "post.created.v1", KEPT),
        TracedEvent(4, "post.edited.v1", KEPT),
        TracedEvent(5, "post.created.v1", OTHER),
        TracedEvent(9, "post.created.v1", DROPPED),
    ]
    watching = Watching(tracer, KnownTraces(*events))
    await watching.folded(PROJECTIONS["search"], 2, 6, 0)

    assert [(span.name, span.parent, span.ended) for span in tracer.spans] == [
        ("fold search", KEPT, [None]),
        ("fold search", OTHER, [None]),
    ]
    assert tracer.spans[0].noted["messaging.batch.message_count"] == 4
    assert watching.figures.followed == {"search": 4}


def test_messages_go_on_with_the_span_of_their_publishing() -> None:
    """Which ends when they are stored; those that nobody keeps stay as they are."""
    tracer = KeepingTracer()
    watching = Watching(tracer, KnownTraces())
    publishing = watching.publishing()
    given = [a_message(1, KEPT), a_message(2, None), a_message(3, DROPPED), a_message(4, OTHER)]
    sent = [publishing.begins(message) for message in given]
    publishing.stored(0, 3)
    kept, dropped, other = tracer.spans

    assert sent[0].headers == {**given[0].headers, "traceparent": kept.trace_parent}
    assert sent[1:3] == given[1:3]
    assert (kept.ended, dropped.ended, other.ended) == ([None], [], [])
    assert watching.figures.followed == {"relay": 3}

    publishing.forgotten()
    publishing.stored(3, 4)

    assert other.ended == []


@pytest.mark.parametrize(
    ("status", "outcome", "result", "error"),
    [
        (JobStatus.COMPLETED, "done", "done", None),
        (JobStatus.QUEUED, "failed", "failed", "failed"),
        (JobStatus.FAILED, "failed", "dead", "dead"),
        (JobStatus.FAILED, None, "dead", "dead"),
        (JobStatus.RUNNING, "lost", "lost", "lost"),
        (JobStatus.QUEUED, "given_back", "given_back", None),
    ],
)
async def test_attempts(
    status: JobStatus, outcome: str | None, result: str, error: str | None
) -> None:
    """Counted by what came of them; their spans go on from whatever asked for the job."""
    tracer = KeepingTracer()
    watching = Watching(tracer, KnownTraces(TracedEvent(1, "job.requested.v1", KEPT)))
    attempt = await watching.attempt(uuid7())
    attempt.ended(a_job(status), outcome)
    [span] = tracer.spans

    assert (span.parent, span.trace_parent) == (KEPT, attempt.trace_parent)
    assert span.ended == [error]
    assert span.noted["ledgerpress.job.kind"] == "export"
    assert span.noted["ledgerpress.job.attempt"] == 3
    assert watching.figures.attempts == {("export", result): 1}
    assert watching.figures.attempt_seconds["export"] >= 0


async def test_nothing_to_do_is_no_attempt() -> None:
    """Neither where the job is gone nor where somebody else has it."""
    watching = Watching()
    attempt = await watching.attempt(uuid7())
    attempt.ended(None, None)
    attempt.ended(a_job(JobStatus.RUNNING), None)

    assert attempt.trace_parent is None
    assert not watching.figures.attempts


async def test_without_a_tracer_it_only_counts() -> None:
    """Messages are passed on as they are, and nobody is asked what events were part of."""
    watching = Watching(None, None)
    message = a_message(1, KEPT)
    await watching.folded(PROJECTIONS["search"], 0, 7, 0)

    assert watching.publishing().begins(message) is message
    assert watching.figures.followed == {"search": 7}
