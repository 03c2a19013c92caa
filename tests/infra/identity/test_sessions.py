"""The tables of sessions and refresh tokens: what lives, what is over, and who waits for whom."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import asyncpg
import msgspec
import pytest
from uuid_utils.compat import uuid7

from commands.accounts import change_quietly
from commands.outcomes import Done
from commands.sessions import Renewed, Reused, Session
from domain.account_decisions import AccountCommand, Disable, EndSessions, Erase
from infra.bootstrap import Product, open_product
from infra.identity.passwords import CHEAP
from infra.identity.personal_data import ERASURES
from infra.identity.sessions import PostgresSessions, new_secret, secret_hash
from projections.write import Put
from tests.support.accounts import AT, OPERATOR, random_keys, registered
from tests.support.log import connected, until
from tests.support.sessions import session_of

DAY = timedelta(days=1)
FIRST, SECOND, THIRD = b"1" * 32, b"2" * 32, b"3" * 32
WAITING = """
select count(*) from pg_stat_activity
where datname = current_database() and wait_event_type = 'Lock'
"""


@pytest.fixture
async def product(database_url: str) -> AsyncIterator[Product]:
    """Open the product on an empty log."""
    async with open_product(database_url, random_keys(), hashing=CHEAP) as product:
        yield product


@pytest.fixture
def sessions(product: Product) -> PostgresSessions:
    """Give what is tested."""
    return PostgresSessions(product.database)


async def begun(product: Product, who: UUID, refresh_hash: bytes = FIRST) -> Session:
    """Begin a session."""
    account = await product.account_queries.by_id(who)
    assert account is not None
    session = session_of(who, account_version=account.version)
    await product.sessions.store.start(session, refresh_hash)
    return session


async def change(product: Product, who: UUID, command: AccountCommand, *rows: Put) -> None:
    """Change the account, with rows beside the event."""
    outcome = await change_quietly(product.accounts, OPERATOR, who, command, lambda _: rows)
    assert outcome == Done()


async def erased(product: Product, who: UUID) -> None:
    """Erase the account."""
    await change(product, who, Erase(), Put(ERASURES, (who, "hash")))


async def counted(product: Product) -> tuple[int, int]:
    """Count the sessions and the tokens."""
    (row,) = await product.database.fetch(
        "select (select count(*) from sessions), (select count(*) from refresh_tokens)"
    )
    return row[0], row[1]


def test_secrets() -> None:
    """Each is another one of 256 bits, known by its hash, and does not show itself."""
    one, other = new_secret(), new_secret()

    assert one.text != other.text
    assert len(one.text) == 43
    assert one.hash == secret_hash(one.text) != other.hash
    assert one.text not in repr(one)
    assert secret_hash("\ud800") == secret_hash("?")  # no text makes it fail


async def test_what_is_kept_is_found(product: Product, sessions: PostgresSessions) -> None:
    """Every member comes back as it was."""
    session = await begun(product, await registered(product))

    assert await sessions.find(session.id) == session
    assert await sessions.find(uuid7()) is None
    assert await counted(product) == (1, 1)


async def test_renewed(product: Product, sessions: PostgresSessions) -> None:
    """The new token takes the old one's place, and the session says when it was used."""
    session = await begun(product, await registered(product))
    renewed = await sessions.renew(FIRST, SECOND, AT + DAY)
    again = await sessions.renew(SECOND, THIRD, AT + 2 * DAY)

    assert renewed == Renewed(msgspec.structs.replace(session, used_at=AT + DAY))
    assert isinstance(again, Renewed)
    assert await sessions.renew(b"unknown", b"new", AT) is None
    assert await counted(product) == (1, 3)


async def test_the_second_use_is_seen(product: Product, sessions: PostgresSessions) -> None:
    """Of every token but the last, for as long as the session lives."""
    session = await begun(product, await registered(product))
    await sessions.renew(FIRST, SECOND, AT)
    await sessions.renew(SECOND, THIRD, AT)

    for used in (FIRST, SECOND):
        assert await sessions.renew(used, b"new", AT) == Reused(session)
    assert await sessions.renew(FIRST, b"new", session.expires_at) is None
    assert isinstance(await sessions.renew(THIRD, b"new", AT), Renewed)


async def test_of_many_who_renew_one_wins(product: Product, sessions: PostgresSessions) -> None:
    """The others find the token replaced."""
    await begun(product, await registered(product))
    results = await asyncio.gather(
        *(sessions.renew(FIRST, bytes([number]) * 32, AT) for number in range(12))
    )

    assert sorted(type(result).__name__ for result in results) == ["Renewed"] + ["Reused"] * 11
    assert await counted(product) == (1, 2)


async def test_what_is_over_is_not_renewed(product: Product, sessions: PostgresSessions) -> None:
    """At its time, once it was ended, when all were, and when the account is shut."""
    ada, eve, joe = [await registered(product, f"{n}@example.org") for n in ("ada", "eve", "joe")]
    timed = await begun(product, ada, b"timed")
    ended = await begun(product, ada, b"ended")
    row = sessions.row(msgspec.structs.replace(ended, ended_at=AT))
    await change(product, eve, EndSessions(), row)
    await begun(product, eve, b"living")
    await begun(product, joe, b"all")
    await change(product, joe, Disable())

    assert await sessions.renew(b"timed", b"new", timed.expires_at) is None
    assert isinstance(await sessions.renew(b"timed", b"new", AT), Renewed)
    assert await sessions.renew(b"ended", b"new2", AT) is None
    assert isinstance(await sessions.renew(b"living", b"new3", AT), Renewed)
    assert await sessions.renew(b"all", b"new4", AT) is None


async def test_listed(product: Product, sessions: PostgresSessions) -> None:
    """Those of the account that live, the last used first."""
    ada, eve = await registered(product), await registered(product, "eve@example.org")
    first, second, third = [await begun(product, ada, bytes([n])) for n in range(3)]
    await begun(product, eve, b"of eve")
    await sessions.renew(bytes([1]), b"new", AT + DAY)
    row = sessions.row(msgspec.structs.replace(third, ended_at=AT))
    await change(product, eve, EndSessions(), row)
    listed = await sessions.alive(ada, AT)

    assert [session.id for session in listed] == [second.id, first.id]
    assert await sessions.alive(ada, first.expires_at) == []
    assert await sessions.alive(eve, AT) == []


async def test_nobody_erased_begins_one(product: Product, sessions: PostgresSessions) -> None:
    """Nor does anybody whom there never was."""
    who = await registered(product)
    await begun(product, who)
    await erased(product, who)
    await sessions.start(session_of(who), SECOND)
    await sessions.start(session_of(uuid7()), THIRD)

    assert await counted(product) == (0, 0)


async def test_beginning_and_erasing_wait_for_each_other(
    product: Product, sessions: PostgresSessions, database_url: str
) -> None:
    """Whichever comes first, no session of somebody erased is left."""
    for erasing_first in (True, False):
        who = await registered(product, f"{erasing_first}@example.org")
        statement, arguments = _held(who, erasing=erasing_first)
        async with connected(database_url) as owner, connected(database_url) as watcher:
            held = owner.transaction()
            await held.start()
            await owner.execute(statement, *arguments)
            other = asyncio.create_task(
                sessions.start(session_of(who), SECOND) if erasing_first else erased(product, who)
            )
            await _someone_waits(watcher)
            await held.commit()
            await other

        assert await counted(product) == (0, 0)


async def test_renewing_while_erasing(
    product: Product, sessions: PostgresSessions, database_url: str
) -> None:
    """One waits for the other and neither fails, in the order in which each locks its rows."""
    who = await registered(product)
    await begun(product, who)
    async with connected(database_url) as owner, connected(database_url) as watcher:
        held = owner.transaction()
        await held.start()
        await owner.execute("update refresh_tokens set replaced_at = now() where hash = $1", FIRST)
        erasing = asyncio.create_task(erased(product, who))
        await _someone_waits(watcher)
        # What the rest of the renewing does. It would wait for ever if the session went first.
        await owner.execute(
            "insert into refresh_tokens (hash, session_id) select $1, id from sessions", SECOND
        )
        await owner.execute("update sessions set used_at = now()")
        await held.commit()
        await erasing

    assert await counted(product) == (0, 0)
    assert await sessions.renew(SECOND, THIRD, AT) is None


def _held(who: UUID, *, erasing: bool) -> tuple[str, tuple[object, ...]]:
    """Give a statement that keeps the account's row as erasing or as beginning a session does."""
    if erasing:
        return "update accounts set erased = true where id = $1", (who,)
    begin = """
    with account as (select id from accounts where id = $1 and not erased for share)
    insert into sessions select $2, id, 1, false, '', $3, $3, $3, null from account
    """
    return begin, (who, uuid7(), AT)


async def _someone_waits(watcher: asyncpg.Connection) -> None:
    async def waits() -> bool:
        waiting: int = await watcher.fetchval(WAITING)
        return waiting > 0

    await until(waits)
