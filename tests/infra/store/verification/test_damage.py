"""Each kind of damage is found and named.

It is done by a superuser past the triggers that protect the log, as a broken disk, a bad restore or
a clumsy hand would.
"""

import pytest

from tests.infra.store.verification.written import Written, found, history, told

Damage = tuple[list[str], dict[str, str]]
"""The statements that do it; the checks that must fail, and what each must say."""

DAMAGED_EVENTS: dict[str, Damage] = {
    "an event was removed": (
        ["delete from events where position = 4"],
        {
            "positions": "position 4: is missing",
            "versions": "position 5, post/{self.first}: version 3 comes after version 1",
            "posts": "posts {self.first}: is wrong in body",
        },
    ),
    "several events were removed": (
        ["delete from events where position between 4 and 5"],
        {
            "positions": "position 4: is missing, and so are all up to 5",
            "versions": "position 6, post/{self.first}: version 4 comes after version 1",
            "claims": "claims post.slug one: is held by {self.second} instead",
            "posts": "posts {self.first}: is wrong in slug, body",
            "former_slugs": "former_slugs one {self.first}: is there, but the log does not say so",
        },
    ),
    "the last event was removed": (
        ["delete from events where position = 10"],
        {"accounts": "accounts {self.people[1]}: is wrong in version, disabled"},
    ),
    "two events changed places": (
        [
            "update events set position = 11 where position = 3",
            "update events set position = 3 where position = 6",
            "update events set position = 6 where position = 11",
        ],
        {"versions": "position 4, post/{self.first}: version 2 stands before version 1"},
    ),
    "an unknown type": (
        ["update events set type = 'post.eaten.v1' where position = 8"],
        {"tags": "position 8, post/{self.third}: the type is post.eaten.v1, but the event says"},
    ),
    "an event that cannot be read": (
        ["""update events set data = '{{"type":"post.created.v1"}}' where position = 7"""],
        {"events": "position 7, post/{self.second}: cannot decode an event of type post.created"},
    ),
    "half a character": (
        [("""update events set data = '{{"type":"post.renamed.v1","slug":"\\ud800"}}'"""
         " where position = 5")],
        {"events": "position 5, post/{self.first}: "},
    ),
    "a history without a beginning": (
        ["delete from events where position = 8"],
        {
            "positions": "position 8: is missing",
            "versions": "position 9, post/{self.third}: version 2 comes after version 0",
            "events": "position 9, post/{self.third}: the history of post {self.third} does not",
        },
    ),
    "an event in another's category": (
        ["update events set category = 'account' where position = 7"],
        {
            "events": "position 7, account/{self.second}: no account can be folded from this",
            "tags": "position 7, account/{self.second}: an event of type post.created.v1 is in",
        },
    ),
    "a category that nobody knows": (
        ["update events set category = 'poem' where position = 7"],
        {
            "events": "position 7, poem/{self.second}: no poem can be folded from this event",
            "tags": "position 7, poem/{self.second}: an event of type post.created.v1 is in",
        },
    ),
    "a time that goes back": (
        ["update events set recorded_at = '2020-01-01T00:00:00Z' where position = 9"],
        {
            "times": "position 9, post/{self.third}: recorded at 2020-01-01T00:00:00+00:00, before",
            "posts": "posts {self.third}: is wrong in updated_at, body",
        },
    ),
    "an altered text": (
        ["update events set data = replace(data::text, 'More', 'Less')::json where position = 4"],
        {"posts": "posts {self.first}: is wrong in body"},
    ),
}  # fmt: skip

DAMAGED_TABLES: dict[str, Damage] = {
    "a claim is missing": (
        ["delete from claims where key = 'uno'"],
        {"claims": "claims post.slug uno, {self.first}: is missing"},
    ),
    "a claim too many": (
        ["insert into claims values ('post.slug', 'three', '{self.third}')"],
        {"claims": "claims post.slug three, {self.third}: is there, but the log does not say so"},
    ),
    "a claim of nobody": (
        ["insert into claims values ('post.slug', 'x', 'ffffffff-ffff-ffff-ffff-ffffffffffff')"],
        {"claims": "claims post.slug x, ffffffff-ffff-ffff-ffff-ffffffffffff: is there, but"},
    ),
    "a claim of another's": (
        ["update claims set owner_id = '{self.second}' where key = 'uno'"],
        {"claims": "claims post.slug uno, {self.first}: is held by {self.second} instead"},
    ),
    "a post's row is missing": (
        ["delete from posts where id = '{self.second}'"],
        {"posts": "posts {self.second}: is missing"},
    ),
    "a byte of a body": (
        ["update posts set body = set_byte(body, 0, 32) where id = '{self.second}'"],
        {"posts": "posts {self.second}: is wrong in body"},
    ),
    "a post of nobody": (
        [
            (
                "insert into posts select '00000000-0000-0000-0000-000000000001', version,"
                " author_id, status, true, held_by, 'x', sort_at, publish_at, updated_at, body,"
                " files from posts limit 1"
            )
        ],
        {"posts": "posts 00000000-0000-0000-0000-000000000001: is there, but the log does not say"},
    ),
    "a former slug is missing": (
        ["delete from former_slugs"],
        {"former_slugs": "former_slugs one {self.first}: is missing"},
    ),
    "a former slug too many": (
        ["insert into former_slugs values ('two', '{self.second}', now())"],
        {"former_slugs": "former_slugs two {self.second}: is there, but the log does not say so"},
    ),
    "an account's roles": (
        ["update accounts set roles = array['admin'] where id = '{self.people[0]}'"],
        {"accounts": "accounts {self.people[0]}: is wrong in roles"},
    ),
    "the rows of all accounts": (
        ["delete from accounts"],
        {"accounts": "accounts {self.people[0]}: is missing"},
    ),
}

DAMAGED_KEYS: dict[str, Damage] = {
    "a position was used twice": (
        [
            "alter table events drop constraint events_pkey",
            "update events set position = 9 where position = 10",
        ],
        {"positions": "position 9: comes twice"},
    ),
    "an event was copied": (
        [
            "alter table events drop constraint events_stream_id_category_version_key",
            (
                "insert into events select 11, category, stream_id, version, event_id, type, data,"
                " metadata, recorded_at from events where position = 8"
            ),
        ],
        {"versions": "post/{self.third}: version 1 comes after version 1"},
    ),
}

DAMAGED = DAMAGED_EVENTS | DAMAGED_TABLES


@pytest.mark.parametrize("kind", DAMAGED)
async def test_damage(written: Written, kind: str) -> None:
    """Each kind of damage fails the checks that it should, no other, and is named."""
    await _found(written, *DAMAGED[kind])


@pytest.mark.parametrize("kind", DAMAGED_KEYS)
async def test_damaged_keys(database_url: str, kind: str) -> None:
    """What the keys of the table would refuse is found as well."""
    async with history(database_url) as written:
        await _found(written, *DAMAGED_KEYS[kind])


async def _found(written: Written, statements: list[str], expected: dict[str, str]) -> None:
    await written.damage(*statements)
    faults = found(await written.verify())

    assert faults.keys() == expected.keys()
    for check, says in expected.items():
        assert any(says.format(self=written) in text for text in map(told, faults[check])), faults
