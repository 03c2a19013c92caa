"""The contract of appends: given what was appended before, an append's result and what it wrote."""

import asyncio
from uuid import UUID

import msgspec
import pytest
from uuid_utils.compat import uuid7

from commands.ports import (
    ANY_VERSION,
    NO_STREAM,
    Appended,
    AppendResult,
    ClaimTaken,
    Conflict,
    KeyUsed,
    Metadata,
)
from domain.post import Archived, Edited
from domain.stream import Stream
from tests.support.log import (
    APPEND_LOCK,
    ARCHIVED,
    AT,
    AUTHOR,
    CREATED,
    Log,
    a_stream,
    account_row,
    answer,
    append,
    appends_wait,
    connected,
    in_the_log,
    numbered,
    open_log,
    slug,
    together,
    until,
)


@pytest.mark.parametrize(
    ("existing", "expected", "result"),
    [
        (0, NO_STREAM, Appended(version=1, position=1)),
        (0, ANY_VERSION, Appended(version=1, position=1)),
        (0, 1, Conflict(actual=0)),
        (2, 2, Appended(version=3, position=3)),
        (2, ANY_VERSION, Appended(version=3, position=3)),
        (2, NO_STREAM, Conflict(actual=2)),
        (2, 1, Conflict(actual=2)),
        (2, 3, Conflict(actual=2)),
    ],
)
async def test_the_expected_version_is_checked(
    log: Log, database_url: str, existing: int, expected: int, result: AppendResult
) -> None:
    """Every expectation is a real check, "must not exist" too; a refused append writes nothing."""
    stream = a_stream()
    if existing:
        await log.store.append(append(stream, *[ARCHIVED] * existing))

    got = await log.store.append(append(stream, expected=expected))

    assert got == result
    assert len(await in_the_log(database_url)) == existing + isinstance(result, Appended)


async def test_categories_are_apart(log: Log) -> None:
    """Two streams may have the same id in two categories."""
    id_ = uuid7()
    await log.store.append(append(Stream("post", id_), ARCHIVED, ARCHIVED))

    result = await log.store.append(append(Stream("account", id_)))

    assert result == Appended(version=1, position=3)


async def test_versions_and_positions_are_dense(log: Log, database_url: str) -> None:
    """Positions count from 1 over all streams, versions from 1 in each; refusals leave no gap."""
    one, two = a_stream(), a_stream()
    await log.store.append(append(one, ARCHIVED, ARCHIVED))
    await log.store.append(append(one))
    await together(log, append(one), append(two, ARCHIVED, ARCHIVED), append(one, expected=2))

    rows = await in_the_log(database_url)
    assert [row[:3] for row in rows] == [
        (1, one, 1),
        (2, one, 2),
        (3, two, 1),
        (4, two, 2),
        (5, one, 3),
    ]


async def test_bytes_are_kept_as_they_were_encoded(log: Log, database_url: str) -> None:
    """Data and metadata come out as the codec wrote them: spaces, order, escapes, duplicates."""
    event = Edited(title='é\\u0000 \x00 "quoted" \U0001f600', content=" \n\t/ \u2028")
    metadata = Metadata(command="Edit", actor=AUTHOR, request_id="r", causation="ü\x00")
    await log.store.append(append(a_stream(), event, metadata=metadata))

    async with connected(database_url) as owner:
        row = await owner.fetchrow(
            "select data::text, metadata::text, type, recorded_at from events"
        )
    [entry] = [entry async for entry in log.log.entries()]
    assert row is not None
    assert row[0].encode() == msgspec.json.encode(event)
    assert row[1].encode() == msgspec.json.encode(metadata)
    assert tuple(row[2:]) == ("post.edited.v1", AT)
    assert (entry.data, entry.metadata) == (row[0], row[1])


async def test_what_was_appended_is_read(log: Log) -> None:
    """A stream gives its events with their ids, versions, positions and times, from any version."""
    stream = a_stream()
    sent = append(stream, CREATED, numbered(2), ARCHIVED)
    await log.store.append(sent)

    recorded = await log.store.read_stream(stream)

    assert [r.event for r in recorded] == [CREATED, numbered(2), ARCHIVED]
    assert [r.event_id for r in recorded] == [new.id for new in sent.events]
    assert [(r.position, r.version, r.at) for r in recorded] == [(1, 1, AT), (2, 2, AT), (3, 3, AT)]
    assert [r.version for r in await log.store.read_stream(stream, after=1)] == [2, 3]
    assert list(await log.store.read_stream(stream, after=3)) == []
    assert list(await log.store.read_stream(a_stream())) == []


async def test_streams_read_together_are_kept_apart(log: Log) -> None:
    """Readers that share a query each get their stream from their version, in its order."""
    streams = [a_stream() for _ in range(5)]
    for number in range(3):
        await together(
            log, *(append(s, numbered(number), ARCHIVED, expected=2 * number) for s in streams)
        )

    asked = [(stream, after) for stream in streams for after in (0, 4, 2)]
    answers = await asyncio.gather(
        *(log.store.read_stream(stream, after=after) for stream, after in asked)
    )

    assert [[(r.stream, r.version) for r in recorded] for recorded in answers] == [
        [(stream, version) for version in range(after + 1, 7)] for stream, after in asked
    ]


async def test_a_claim_is_held_by_one_stream(log: Log, database_url: str) -> None:
    """A second taker is refused and writes nothing; the holder may take its claim again."""
    holder, rival = a_stream(), a_stream()
    await log.store.append(append(holder, takes=[slug("a")]))

    refused = await log.store.append(append(rival, takes=[slug("b"), slug("a")]))
    again = await log.store.append(append(holder, expected=1, takes=[slug("a")]))

    assert refused == ClaimTaken()
    assert again == Appended(version=2, position=2)
    assert await _claims(database_url) == {("a", holder.id)}


async def test_the_same_key_in_another_scope_is_free(log: Log) -> None:
    """A claim is its scope and its key."""
    await log.store.append(append(a_stream(), takes=[slug("a")]))

    result = await log.store.append(
        append(a_stream(), takes=[slug("a")._replace(scope="account.email")])
    )

    assert isinstance(result, Appended)


async def test_renaming_releases_and_takes_at_once(log: Log, database_url: str) -> None:
    """The old name is free and the new one held as soon as the append is in; not before."""
    post, other = a_stream(), a_stream()
    await log.store.append(append(post, takes=[slug("old")]))

    stale = append(post, expected=9, takes=[slug("new")], releases=[slug("old")])
    refused = await log.store.append(stale)
    after_refusal = await _claims(database_url)
    await log.store.append(append(post, expected=1, takes=[slug("new")], releases=[slug("old")]))
    result = await log.store.append(append(other, takes=[slug("old")]))

    assert refused == Conflict(actual=1)
    assert after_refusal == {("old", post.id)}
    assert isinstance(result, Appended)
    assert await _claims(database_url) == {("new", post.id), ("old", other.id)}


async def test_nobody_releases_what_another_holds(log: Log, database_url: str) -> None:
    """A release of a claim that another stream holds changes nothing."""
    holder, stranger = a_stream(), a_stream()
    await log.store.append(append(holder, takes=[slug("a")]))

    await log.store.append(append(stranger, releases=[slug("a")]))

    assert await _claims(database_url) == {("a", holder.id)}


async def test_slugs_are_swapped_through_a_third(log: Log, database_url: str) -> None:
    """Two posts cannot take each other's slug at once; by way of a third slug they can."""
    one, two = a_stream(), a_stream()
    await log.store.append(append(one, takes=[slug("a")]))
    await log.store.append(append(two, takes=[slug("b")]))

    crossing = await together(
        log,
        append(one, expected=1, takes=[slug("b")], releases=[slug("a")]),
        append(two, expected=1, takes=[slug("a")], releases=[slug("b")]),
    )
    steps = await together(
        log,
        append(one, expected=1, takes=[slug("c")], releases=[slug("a")]),
        append(two, expected=1, takes=[slug("a")], releases=[slug("b")]),
        append(one, expected=2, takes=[slug("b")], releases=[slug("c")]),
    )

    assert crossing == [ClaimTaken(), ClaimTaken()]
    assert [type(result) for result in steps] == [Appended] * 3
    assert await _claims(database_url) == {("b", one.id), ("a", two.id)}


@pytest.mark.parametrize("end", ["commit", "rollback"])
async def test_a_rival_in_flight_is_waited_for(log: Log, database_url: str, end: str) -> None:
    """While another transaction takes the claim nobody is told anything; its end decides."""
    async with connected(database_url) as other, connected(database_url) as owner:
        await other.execute("begin")
        await other.fetch("select pg_advisory_xact_lock($1)", APPEND_LOCK)
        await other.execute("insert into claims values ('post.slug', 'a', gen_random_uuid())")
        rival = asyncio.create_task(log.store.append(append(a_stream(), takes=[slug("a")])))
        await until(lambda: appends_wait(owner))
        early = rival.done()
        await other.execute(end)

        result = await rival

    assert not early
    assert isinstance(result, ClaimTaken if end == "commit" else Appended)


async def test_an_idempotency_key_is_written_with_its_events(log: Log, database_url: str) -> None:
    """The first answer is stored with the append; the key's next append is refused, whole."""
    first, second = answer("k"), append(a_stream(), first_answer=answer("k"), takes=[slug("a")])
    await log.store.append(append(a_stream(), first_answer=first))

    result = await log.store.append(second)

    async with connected(database_url) as owner:
        rows = await owner.fetch(
            "select account_id, key, fingerprint, answer, recorded_at from idempotency_keys"
        )
    assert result == KeyUsed()
    assert [tuple(row) for row in rows] == [(AUTHOR, "k", b"fingerprint", b"answer to k", AT)]
    assert await _claims(database_url) == set()
    assert len(await in_the_log(database_url)) == 1


async def test_a_key_belongs_to_its_account(log: Log) -> None:
    """Two accounts may use the same key."""
    await log.store.append(append(a_stream(), first_answer=answer("k")))

    result = await log.store.append(append(a_stream(), first_answer=answer("k", account=uuid7())))

    assert isinstance(result, Appended)


async def test_a_refused_append_leaves_its_key_unused(log: Log) -> None:
    """The key of an append that lost against another version can be used again."""
    stream = a_stream()
    await log.store.append(append(stream))

    lost = await log.store.append(append(stream, first_answer=answer("k")))
    again = await log.store.append(append(stream, expected=1, first_answer=answer("k")))

    assert lost == Conflict(actual=1)
    assert isinstance(again, Appended)


async def test_rows_of_read_models_are_put_with_the_events(log: Log, database_url: str) -> None:
    """An accepted append puts its rows, new or again; a refused one puts none."""
    one, two = a_stream("account"), a_stream("account")
    await log.store.append(append(one, puts=[account_row(one.id)]))

    results = await together(
        log,
        append(one, expected=1, puts=[account_row(one.id, version=2)]),
        append(two, expected=7, puts=[account_row(two.id)]),
    )

    async with connected(database_url) as owner:
        rows = await owner.fetch("select id, version from accounts")
    assert results == [Appended(version=2, position=2), Conflict(actual=0)]
    assert [tuple(row) for row in rows] == [(one.id, 2)]


async def test_a_store_of_two_pools_is_one_log(log: Log, database_url: str) -> None:
    """Two processes' stores append to one dense log and see each other's streams."""
    stream = a_stream()
    async with open_log(database_url) as other:
        results = await asyncio.gather(
            *(
                each.store.append(append(a_stream(), Archived()))
                for _ in range(20)
                for each in (log, other)
            )
        )
        await log.store.append(append(stream))
        conflict = await other.store.append(append(stream))

    appended = [result.position for result in results if isinstance(result, Appended)]
    assert sorted(appended) == list(range(1, 41))
    assert conflict == Conflict(actual=1)


async def _claims(url: str) -> set[tuple[str, UUID]]:
    async with connected(url) as owner:
        return {tuple(row) for row in await owner.fetch("select key, owner_id from claims")}
