"""A log that cannot be edited: not by its owner's mistake, and not by the product at all."""

import asyncpg
import pytest

from infra.postgres import APPLICATION_ROLE
from tests.support.log import a_stream, append, connected, in_the_log, open_log

CHANGES = [
    "update events set type = 'other'",
    "update events set recorded_at = recorded_at",
    "delete from events",
    "delete from events where position = 1",
    "truncate events",
    "truncate events cascade",
    "insert into events select * from events on conflict (position) do update set type = 'other'",
    "merge into events e using (select 1) s on true when matched then delete",
]


@pytest.mark.parametrize("role", [None, APPLICATION_ROLE])
@pytest.mark.parametrize("change", CHANGES)
async def test_events_are_never_changed(database_url: str, change: str, role: str | None) -> None:
    """Triggers stop the owner, missing rights the product; the log stays as it was."""
    async with open_log(database_url) as log:
        await log.store.append(append(a_stream()))
    before = await in_the_log(database_url)

    async with connected(database_url) as connection:
        if role is not None:
            await connection.execute(f"set role {role}")
        with pytest.raises(asyncpg.InsufficientPrivilegeError) as refusal:
            await connection.execute(change)

    assert ("append-only" in str(refusal.value)) == (role is None)
    assert await in_the_log(database_url) == before


@pytest.mark.parametrize(
    "way_out",
    [
        "alter table events disable trigger all",
        "drop trigger events_are_never_changed on events",
        "alter table events drop column data",
        "drop table events",
        "create or replace function refuse_change() returns trigger language sql as 'select null'",
        "set session_replication_role = replica",
    ],
)
async def test_the_product_cannot_take_the_guard_away(database_url: str, way_out: str) -> None:
    """The application's role owns nothing and may set nothing that would open the log."""
    async with connected(database_url) as connection:
        await connection.execute(f"set role {APPLICATION_ROLE}")

        with pytest.raises((asyncpg.PostgresSyntaxError, asyncpg.InsufficientPrivilegeError)):
            await connection.execute(way_out)


async def test_the_product_runs_as_its_role(database_url: str) -> None:
    """Every connection of the pool has the application's rights and no more."""
    async with open_log(database_url) as log:
        rows = await log.database.fetch(
            "select current_user, has_table_privilege('events', 'update'),"
            " has_table_privilege('events', 'delete'), has_table_privilege('events', 'truncate')"
        )

    assert tuple(rows[0]) == (APPLICATION_ROLE, False, False, False)
