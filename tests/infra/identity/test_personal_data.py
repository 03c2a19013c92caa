"""Sealing: only its own person, event and field open a text, and nothing without the key."""

import os
import unicodedata
from collections.abc import AsyncIterator
from uuid import UUID

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from uuid_utils.compat import uuid7

from infra.identity.personal_data import DamagedError, Erased, PersonalData, normalised_email
from infra.postgres import Database
from projections.write import Put

EVENT = UUID("0190b8a5-7c1e-7d3a-9f10-5e2b6c7d8e9f")


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """Connect to an empty database."""
    database = await Database.connect(database_url)
    yield database
    await database.close()


def personal_data(database: Database, key: bytes = b"w" * 32) -> PersonalData:
    """Make the adapter with a wrapping key."""
    return PersonalData(database, wrapping_key=key, email_hash_key=b"e" * 32)


async def keep(database: Database, row: Put) -> None:
    """Write a key's row, as the append of a registration does."""
    await database.fetch("insert into person_keys values ($1, $2)", *row.row)


async def test_opened(database: Database) -> None:
    """What was sealed is read again through the key that was kept."""
    data, who = personal_data(database), uuid7()
    key = data.new_person(who)
    await keep(database, key.row)

    sealed = key.seal(EVENT, "email", "ada@example.org \N{GREEK SMALL LETTER ALPHA}")

    assert "ada" not in sealed
    assert sealed.isascii()
    opened = await data.open(who, EVENT, "email", sealed)
    assert opened == "ada@example.org \N{GREEK SMALL LETTER ALPHA}"


async def test_bound(database: Database) -> None:
    """A sealed text opens for its own person, event and field alone, and not when altered."""
    data = personal_data(database)
    key, other = data.new_person(uuid7()), data.new_person(uuid7())
    sealed = key.seal(EVENT, "email", "ada@example.org")
    altered = sealed[:-4] + ("AAAA" if sealed[-4:] != "AAAA" else "BBBB")

    for who, event, field, text in (
        (other, EVENT, "email", sealed),
        (key, uuid7(), "email", sealed),
        (key, EVENT, "name", sealed),
        (key, EVENT, "email", altered),
        (key, EVENT, "email", ""),
        (key, EVENT, "email", "s1.é"),
    ):
        with pytest.raises(DamagedError):
            who.open(event, field, text)


async def test_never_alike(database: Database) -> None:
    """The same text sealed twice gives two texts, so that equal ones cannot be told."""
    key = personal_data(database).new_person(uuid7())

    assert key.seal(EVENT, "name", "Ada") != key.seal(EVENT, "name", "Ada")


async def test_erased(database: Database, database_url: str) -> None:
    """With the key's row gone nothing opens any more, at once and for all processes."""
    data, who = personal_data(database), uuid7()
    key = data.new_person(who)
    await keep(database, key.row)
    sealed = key.seal(EVENT, "email", "ada@example.org")
    assert await data.open(who, EVENT, "email", sealed) == "ada@example.org"

    connection = await asyncpg.connect(database_url)
    await connection.execute("delete from person_keys")
    await connection.close()

    assert await data.open(who, EVENT, "email", sealed) == Erased()


async def test_wrapped(database: Database) -> None:
    """The kept key is of no use without the deployment's, nor under another person's id."""
    data, who, other = personal_data(database), uuid7(), uuid7()
    row = data.new_person(who).row
    await keep(database, row)
    await keep(database, Put(row.table, (other, row.row[1])))

    with pytest.raises(DamagedError):
        await personal_data(database, os.urandom(32)).key_of(who)
    with pytest.raises(DamagedError):
        await data.key_of(other)


async def test_one_hash_for_one_address(database: Database) -> None:
    """The hash depends on the key and on the address, and not on how the address is spelt."""
    data = personal_data(database)
    other = PersonalData(database, wrapping_key=b"w" * 32, email_hash_key=b"f" * 32)

    hashes = {data.email_hash(text) for text in ("Ada@Example.org", " ada@EXAMPLE.ORG\n")}

    assert len(hashes) == 1
    assert len(hashes.pop()) == 64
    assert data.email_hash("ada@example.org") != other.email_hash("ada@example.org")
    assert data.email_hash("ada@example.org") != data.email_hash("ida@example.org")


@given(st.text(max_size=40))
def test_normal_form(text: str) -> None:
    """The normal form of a normal form is itself, and case, form and margins do not count."""
    normal = normalised_email(text)

    assert normalised_email(normal) == normal
    assert normalised_email(f"\t{unicodedata.normalize('NFD', text)} ") == normal


@given(st.text(max_size=30), st.text(max_size=30))
def test_normal_form_of_punycode(before: str, encoded: str) -> None:
    """The same holds for domains that are in Punycode, or look like it."""
    for label in (encoded, encoded.encode("utf-8", "replace").decode("ascii", "ignore")):
        text = f"{before}@xn--{label}.org"
        normal = normalised_email(text)

        assert normalised_email(normal) == normal


@pytest.mark.parametrize(
    "spellings",
    [
        ("ada@例え.jp", "ada@xn--r8jz45g.jp", "ADA@XN--R8JZ45G.JP", "ada@例え。jp"),
        ("ada@stra\u00dfe.de", "ada@xn--strae-oqa.de", "ada@STRASSE.de"),
        ("ada@caf\u00e9.org", "ada@cafe\u0301.org", "ada@xn--caf-dma.org"),
        ("jos\u00e9@example.org", "JOSE\u0301@example.org"),
    ],
)
def test_one_address(spellings: tuple[str, ...]) -> None:
    """One domain in letters or in Punycode, and one letter in two forms, are one address."""
    assert len({normalised_email(text) for text in spellings}) == 1


@pytest.mark.parametrize(
    "text",
    [
        "a@xn--abc-",
        "a@xn--",
        "a@xn--a.org",
        "a@xn--xn--abc-.org",
        "a@xn--\u00e9.org",
        "xn--r8jz45g@b",
    ],
)
def test_no_punycode(text: str) -> None:
    """What only looks like Punycode, or stands before the @, stays as it is."""
    assert normalised_email(text) == text


async def test_any_text_has_a_hash(database: Database) -> None:
    """Texts that are no addresses have hashes too, soon, however long they are."""
    data = personal_data(database)
    texts = ("", "\0", "\ud800@example.org", "a" + "\u0300\u0316" * 250_000, "xn--" * 250_000)

    assert len({data.email_hash(text) for text in texts}) == len(texts)
