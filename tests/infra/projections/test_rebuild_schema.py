"""Rows of another schema version than the program's: built anew, refused, never mixed."""

import pytest

from commands.ports import StoreUnavailableError
from infra.clock import now
from infra.database_check import DatabaseFault, check_database
from infra.projections.rebuild import Refused, Unwatched, rebuild, undo
from infra.projections.upgrade import upgrade
from tests.infra.projections.rebuilding import Rebuilding
from tests.infra.store.verification.written import created


async def _of_version(short: Rebuilding, version: int) -> None:
    await short.written.damage(
        f"update projections set schema_version = {version} where name = 'posts'"  # noqa: S608 - of a test
    )


async def test_older_rows_are_built_anew(short: Rebuilding) -> None:
    """The program does not start on them; an upgrade makes a generation of its version."""
    await _of_version(short, 0)
    before = await check_database(short.url, production=False)
    left = await upgrade(short.url, Unwatched(), now)
    after = await check_database(short.url, production=False)

    assert before == DatabaseFault(
        "old", "the tables of posts are older than this program: run `ledgerpress migrate`"
    )
    assert (left, after) == (None, None)
    assert (await short.served("posts"), await short.served("accounts")) == (2, 1)
    assert await short.sound()


async def test_newer_rows_are_left_alone(short: Rebuilding) -> None:
    """A program that is older than the rows neither starts nor rebuilds them."""
    await _of_version(short, 2)
    fault = await check_database(short.url, production=False)
    done = await rebuild(short.order("posts"))
    left = await upgrade(short.url, Unwatched(), now)

    assert fault == DatabaseFault("unusable", "the tables of posts are newer than this program")
    assert done == Refused(
        "the tables of posts are of schema version 2, which is newer than this program's (1)"
    )
    assert left is None
    assert await short.served("posts") == 1


async def test_rows_are_never_mixed(short: Rebuilding) -> None:
    """A process that was there before the rows of a newer version reads on and writes no more."""
    product, author = short.written.product, short.written.people[0]
    await created(product, author, "before")
    await _of_version(short, 2)
    with pytest.raises(StoreUnavailableError, match="start the new program"):
        await created(product, author, "after")
    head = await product.post_queries.head(short.written.first)

    assert head is not None
    assert len(await short.rows("posts")) == 4
    assert await product.log.head() == 11


async def test_the_older_version_goes_back_to_its_own(short: Rebuilding) -> None:
    """Only a program of a generation's schema version may bring it up to date."""
    await rebuild(short.order("posts"))
    await short.written.damage(
        "update projections set previous = previous || '{{\"schema_version\": 0}}'"
        " where name = 'posts'"
    )

    assert await undo(short.order("posts")) == Refused(
        "the earlier generation of posts is of schema version 0: "
        "a program of that version can go back to it"
    )
