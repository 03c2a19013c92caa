"""The one way from a command to the log: load, check, decide, append.

The order is that of the HTTP contract: existence and permission, preconditions, the command itself
(its body is read only now), the decision. Losing a race against another writer is part of it.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Generic
from uuid import UUID

import msgspec

from commands.aggregate import Aggregate, C, Loaded, Rendered, S, Step, resource
from commands.loading import Loader
from commands.outcomes import (
    Contended,
    KeyInFlight,
    NotFound,
    Outcome,
    PreconditionMissing,
    Representation,
    StaleVersion,
)
from commands.ports import (
    Append,
    Appended,
    ClaimTaken,
    Conflict,
    EventStore,
    FirstAnswer,
    KeyUsed,
    Metadata,
    NewEvent,
    SeenChanged,
    Write,
)
from commands.preconditions import NO_PRECONDITIONS, Preconditions, Tags, Verdict, evaluate
from domain.events import Event
from domain.stream import Actor, Stream

ATTEMPTS = 8
"""How often a change without If-Match is decided anew after others came first."""


Seen = tuple[tuple[Stream, int], ...]
"""Streams, and the versions at which they were seen."""


class Ledger(msgspec.Struct, frozen=True):
    """The log as commands use it."""

    store: EventStore
    loader: Loader
    new_id: Callable[[], UUID]


class Caller(msgspec.Struct, frozen=True):
    """Who asks, when, and under which names the log keeps it."""

    actor: Actor | None
    at: datetime
    command: str
    request_id: str | None = None
    seen: Seen = ()
    """The caller's own stream, if what is known of them must still hold when it is appended."""
    trace: str | None = None
    """The `traceparent` of what the command is part of, where traces are made."""

    def metadata(self) -> Metadata:
        """Give what is recorded with every event."""
        return Metadata(
            command=self.command,
            actor=self.actor.account_id if self.actor else None,
            request_id=self.request_id,
            correlation=self.trace,
        )


class Stop(msgspec.Struct, frozen=True):
    """The command cannot be made: this is the answer."""

    outcome: Outcome


class Resting(msgspec.Struct, Generic[C], frozen=True):
    """A command that was made of what other streams said; where they change it is made anew."""

    command: C
    seen: Seen


class Change(msgspec.Struct, Generic[S, C], frozen=True):
    """A request to change one existing thing."""

    caller: Caller
    permit: Callable[[S], Outcome | None]
    """Says why the caller may not, or nothing."""
    missing: NotFound
    command: Callable[[Loaded[S]], Awaitable[C | Resting[C] | Stop]]
    conditions: Preconditions = NO_PRECONDITIONS
    must_match: bool = False
    """Whether If-Match is required."""
    beside: Callable[[Loaded[S]], Sequence[Write]] = lambda _: ()
    """Rows to write with the events that no read model shows, given the state after them."""


class Settled(msgspec.Struct, Generic[S], frozen=True):
    """The thing as it now stands."""

    resource: Representation
    appended: bool
    now: Loaded[S]


async def change(
    ledger: Ledger, aggregate: Aggregate[S, C], stream_id: UUID, asked: Change[S, C]
) -> Settled[S] | Outcome:
    """Decide and append, again from the start when another writer came first.

    That goes for the streams on which a command rests, too. The caller is known only to whoever
    calls: if the caller has changed, the outcome is Contended at once.

    Where If-Match names the version that is remembered, the log is not read first: the append says
    whether the version is still the latest. Any other answer is given only by the log.
    """
    likely = _likely(ledger, aggregate, stream_id, asked.conditions)
    if likely is not None:
        outcome = await _attempt(ledger, aggregate, stream_id, asked, likely)
        if isinstance(outcome, Settled) and outcome.appended:
            return outcome
    rested: Seen = ()
    for _ in range(ATTEMPTS):
        loaded = await ledger.loader.load(aggregate, stream_id)
        outcome = await _attempt(ledger, aggregate, stream_id, asked, loaded)
        if isinstance(outcome, _Overtaken):
            if outcome.rested == rested:
                return Contended()  # all of that is as it was, so it is the caller who changed
            rested = outcome.rested
        elif not isinstance(outcome, Conflict):
            return outcome
    return Contended()


class _Overtaken(msgspec.Struct, frozen=True):
    """Something that was seen has changed."""

    rested: Seen
    """What the command rested on beside the caller."""


async def change_at(
    ledger: Ledger,
    aggregate: Aggregate[S, C],
    stream_id: UUID,
    asked: Change[S, C],
    known: Loaded[S],
) -> Settled[S] | Outcome | Conflict:
    """Decide and append, for somebody to whom no other version will do than the one they know."""
    outcome = await _attempt(ledger, aggregate, stream_id, asked, known)
    return Contended() if isinstance(outcome, _Overtaken) else outcome


def _likely(
    ledger: Ledger, aggregate: Aggregate[S, C], stream_id: UUID, conditions: Preconditions
) -> Loaded[S] | None:
    """Give the remembered state, if it is the one that the client wants to change."""
    if not isinstance(conditions.if_match, Tags):
        return None
    remembered = ledger.loader.remembered(aggregate, stream_id)
    if remembered is None:
        return None
    named = aggregate.view.tag(remembered.version) in conditions.if_match.strong
    return remembered if named else None


async def _attempt(
    ledger: Ledger,
    aggregate: Aggregate[S, C],
    stream_id: UUID,
    asked: Change[S, C],
    loaded: Loaded[S],
) -> Settled[S] | Outcome | Conflict | _Overtaken:
    conditions = asked.conditions
    if loaded.state is None or loaded.at is None:
        return asked.missing
    denied = asked.permit(loaded.state)
    if denied is not None:
        return denied
    if asked.must_match and conditions.if_match is None:
        return PreconditionMissing()
    tag = aggregate.view.tag(loaded.version)
    verdict = evaluate(conditions, tag=tag, modified=loaded.at, safe=False)
    if verdict is not Verdict.PROCEED:
        return _stale(aggregate, stream_id, loaded)
    command = await asked.command(loaded)
    if isinstance(command, Stop):
        return command.outcome
    rested: Seen = ()
    if isinstance(command, Resting):
        resting: Resting[C] = command
        command, rested = resting.command, resting.seen
    at = max(asked.caller.at, loaded.at)
    decision = aggregate.decide(loaded.state, command, at)
    if not isinstance(decision, tuple):
        return decision
    if not decision:
        rendered = aggregate.view.render(loaded.state, ())
        shown = resource(aggregate, stream_id, loaded, rendered.body)
        return Settled(shown, appended=False, now=loaded)
    caller = _resting(asked.caller, rested)
    plan = _plan(ledger, aggregate, stream_id, loaded, decision, caller, at)
    match await ledger.store.append(_with_rows(plan.append, asked.beside(plan.after))):
        case Appended():
            ledger.loader.remember(aggregate, stream_id, plan.after)
            made = resource(aggregate, stream_id, plan.after, plan.rendered.body)
            return Settled(made, appended=True, now=plan.after)
        case ClaimTaken():
            return aggregate.claim_taken(plan.append.takes)
        case Conflict() as conflict:
            return conflict
        case SeenChanged():
            return _Overtaken(rested)
        case KeyUsed():
            raise LookupError("no idempotency key was given with this append")


async def create(
    ledger: Ledger,
    aggregate: Aggregate[S, C],
    stream_id: UUID,
    command: C,
    caller: Caller,
    first_answer: Callable[[Representation], FirstAnswer] | None = None,
    puts: Sequence[Write] = (),
    rested: Seen = (),
) -> Settled[S] | Outcome:
    """Decide and append the beginning of a new stream.

    `first_answer` makes what is stored under the request's idempotency key; a rival with the same
    key that came first leaves KeyInFlight, and the caller looks its answer up. `puts` are rows to
    write with the events that no read model shows. The outcome is Contended where something has
    changed on which the command `rested`, or the caller.
    """
    decision = aggregate.decide(None, command, caller.at)
    if not isinstance(decision, tuple):
        return decision
    nothing: Loaded[S] = Loaded(None, 0, None)
    caller = _resting(caller, rested)
    plan = _plan(ledger, aggregate, stream_id, nothing, decision, caller, caller.at)
    made = resource(aggregate, stream_id, plan.after, plan.rendered.body)
    append = plan.append
    if first_answer is not None:
        append = msgspec.structs.replace(append, first_answer=first_answer(made))
    match await ledger.store.append(_with_rows(append, puts)):
        case Appended():
            ledger.loader.remember(aggregate, stream_id, plan.after)
            return Settled(made, appended=True, now=plan.after)
        case ClaimTaken():
            return aggregate.claim_taken(plan.append.takes)
        case KeyUsed():
            return KeyInFlight()
        case Conflict() | SeenChanged():
            return Contended()


class _Plan(msgspec.Struct, Generic[S], frozen=True):
    """What an append would write and leave behind."""

    append: Append
    after: Loaded[S]
    rendered: Rendered


def _plan(
    ledger: Ledger,
    aggregate: Aggregate[S, C],
    stream_id: UUID,
    before: Loaded[S],
    events: Sequence[Event],
    caller: Caller,
    at: datetime,
) -> _Plan[S]:
    steps: list[Step[S]] = []
    state = before.state
    for version, event in enumerate(events, start=before.version + 1):
        after = aggregate.evolve(state, event, id=stream_id, version=version, at=at)
        steps.append(Step(state, event, after, at))
        state = after
    rendered = aggregate.view.render(after, steps)
    held, holds = aggregate.claims(before.state), aggregate.claims(after)
    append = Append(
        stream=Stream(aggregate.category, stream_id),
        expected=before.version,
        events=[NewEvent(ledger.new_id(), event) for event in events],
        metadata=caller.metadata(),
        at=at,
        seen=caller.seen,
        takes=sorted(holds - held),
        releases=sorted(held - holds),
        vacant=sorted(aggregate.vacates(after)),
        puts=rendered.puts,
    )
    return _Plan(append, Loaded(after, before.version + len(events), at), rendered)


def _resting(caller: Caller, rested: Seen) -> Caller:
    return msgspec.structs.replace(caller, seen=(*caller.seen, *rested)) if rested else caller


def _with_rows(append: Append, rows: Sequence[Write]) -> Append:
    if not rows:
        return append
    return msgspec.structs.replace(append, puts=[*append.puts, *rows])


def _stale(aggregate: Aggregate[S, C], stream_id: UUID, loaded: Loaded[S]) -> StaleVersion:
    view = aggregate.view
    return StaleVersion(tag=view.tag(loaded.version), changes_location=view.history(stream_id))
