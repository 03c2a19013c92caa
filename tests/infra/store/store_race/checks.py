"""What must be true of a log and of everybody's view of it, whatever happened: the race's judge."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from commands.ports import ANY_VERSION, Append, Appended, AppendResult, Conflict
from commands.ports import StoreUnavailableError as Unavailable
from domain.claim import Claim
from domain.stream import Stream
from tests.support.log import connected


class Row(NamedTuple):
    """An event as the table holds it."""

    position: int
    stream: Stream
    version: int
    event_id: UUID


class Attempt(NamedTuple):
    """An append and what its caller was told."""

    append: Append
    outcome: AppendResult | BaseException


@dataclass
class History:
    """What everybody saw: callers, readers, and who tried to edit the log."""

    attempts: list[Attempt] = field(default_factory=list)
    readers: dict[str, list[Row]] = field(default_factory=dict)
    edits: list[str] = field(default_factory=list)
    """Statements that changed the log although none may."""


async def violations(url: str, history: History) -> list[str]:
    """Tell everything that is wrong with what is stored and what everybody was told."""
    async with connected(url) as owner:
        stored = await owner.fetch(
            "select position, category, stream_id, version, event_id from events order by position"
        )
        held = await owner.fetch("select scope, key, owner_id from claims")
        used = await owner.fetch("select account_id, key from idempotency_keys")
    rows = [Row(row[0], Stream(row[1], row[2]), row[3], row[4]) for row in stored]
    claims = {Claim(row[0], row[1]): row[2] for row in held}
    return [
        *_log(rows),
        *_callers(rows, history.attempts),
        *_claims(rows, history.attempts, claims),
        *_keys(rows, history.attempts, {(row[0], row[1]) for row in used}),
        *_readers(rows, history.readers),
        *(f"the log was edited by: {edit}" for edit in history.edits),
    ]


def _log(rows: Sequence[Row]) -> Iterator[str]:
    if [row.position for row in rows] != list(range(1, len(rows) + 1)):
        yield f"positions are not dense: {[row.position for row in rows]}"
    versions: dict[Stream, list[int]] = {}
    for row in rows:
        versions.setdefault(row.stream, []).append(row.version)
    for stream, of_stream in versions.items():
        if of_stream != list(range(1, len(of_stream) + 1)):
            yield f"versions of {stream} are not dense: {of_stream}"
    for event_id, times in Counter(row.event_id for row in rows).items():
        if times > 1:
            yield f"event {event_id} is there {times} times"


def _callers(rows: Sequence[Row], attempts: Sequence[Attempt]) -> Iterator[str]:
    by_id = {row.event_id: row for row in rows}
    for append, outcome in attempts:
        found = [by_id[new.id] for new in append.events if new.id in by_id]
        match outcome:
            case Appended(version, position):
                if [(row.version, row.position) for row in found] != _expected(append, outcome):
                    yield f"{append.stream} was told {version} at {position}, stored is {found}"
                before = version - len(append.events)
                if append.expected not in {before, ANY_VERSION}:
                    yield f"{append.stream} stood at {before}, not at {append.expected}: appended"
            case Unavailable():
                if found and len(found) != len(append.events):
                    yield f"{append.stream} is half written: {found}"
            case BaseException():
                yield f"an append to {append.stream} failed: {type(outcome).__name__}: {outcome}"
            case Conflict(actual) if actual == append.expected:
                yield f"{append.stream} stood at {actual} as expected: refused"
            case _:
                if found:
                    yield f"{append.stream} was refused ({outcome}), stored is {found}"


def _expected(append: Append, told: Appended) -> list[tuple[int, int]]:
    many = len(append.events)
    return [(told.version - many + n, told.position - many + n) for n in range(1, many + 1)]


def _claims(
    rows: Sequence[Row], attempts: Sequence[Attempt], claims: dict[Claim, UUID]
) -> Iterator[str]:
    """Replay the log: a claim passes from hand to hand, and the table shows the last."""
    appends = {new.id: append for append, _ in attempts for new in append.events}
    holders: dict[Claim, UUID] = {}
    for row in rows:
        append = appends.get(row.event_id)
        if append is None or append.events[0].id != row.event_id:
            continue
        for claim in append.releases:
            if holders.get(claim) == append.stream.id:
                del holders[claim]
        for scope in append.vacant:
            held = [claim for claim in holders if claim.scope == scope]
            if held:
                yield f"{scope} was to be vacant, and {held} are held"
        for claim in append.takes:
            if holders.setdefault(claim, append.stream.id) != append.stream.id:
                yield f"{claim} was given to two streams"
    if holders != claims:
        yield f"the claims are {claims}, the log says {holders}"


def _keys(
    rows: Sequence[Row], attempts: Sequence[Attempt], used: set[tuple[UUID, str]]
) -> Iterator[str]:
    """Each key came with the events of exactly one append."""
    written = {row.event_id for row in rows}
    keys = Counter(
        (append.first_answer.key.account_id, append.first_answer.key.key)
        for append, _ in attempts
        if append.first_answer is not None and append.events[0].id in written
    )
    for (_, key), times in keys.items():
        if times > 1:
            yield f"idempotency key {key} was used {times} times"
    if set(keys) != used:
        yield f"the keys are {used}, the log says {set(keys)}"


def _readers(rows: Sequence[Row], readers: dict[str, list[Row]]) -> Iterator[str]:
    for name, seen in readers.items():
        positions = [row.position for row in seen]
        if len(set(positions)) != len(positions):
            yield f"{name} saw events twice: {positions}"
        elif positions != sorted(positions):
            yield f"{name} saw events out of order: {positions}"
        missing = {row.position for row in rows} - set(positions)
        if missing:
            yield f"{name} never saw positions {sorted(missing)}"
        if set(seen) - set(rows):
            yield f"{name} saw events that are not there: {set(seen) - set(rows)}"
