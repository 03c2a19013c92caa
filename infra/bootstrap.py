"""The composition root: what the processes are made of, put together in one place.

Every command of `ledgerpress` and every end-to-end test opens the product here.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
from argon2 import Parameters
from uuid_utils.compat import uuid7

from commands.accounts import Accounts, accounts
from commands.handle import Ledger
from commands.loading import Loader
from commands.posts import Posts, posts
from infra.identity.passwords import (
    ACCOUNT_PASSWORDS,
    STRONG,
    PasswordHashes,
    Passwords,
    password_row,
)
from infra.identity.personal_data import PERSON_KEYS, PersonalData
from infra.identity.tokens import AccessTokens
from infra.keys import Keys
from infra.postgres import Database
from infra.store.codec import Codec
from infra.store.event_log import PostgresEventLog
from infra.store.event_store import PostgresEventStore
from infra.store.hints import Hints
from projections.accounts import ACCOUNTS, AccountQueries, AccountView
from projections.post_queries import PostQueries
from projections.posts import FORMER_SLUGS, POSTS, PostView

INLINE_TABLES = (POSTS, FORMER_SLUGS, ACCOUNTS, PERSON_KEYS, ACCOUNT_PASSWORDS)
"""The tables that are written in the transaction of the events: read models, and what a
registration leaves outside the log."""


class Product(msgspec.Struct, frozen=True):
    """The running product's parts that do not depend on who uses them."""

    database: Database
    store: PostgresEventStore
    log: PostgresEventLog
    hints: Hints
    ledger: Ledger
    posts: Posts
    post_queries: PostQueries
    account_queries: AccountQueries
    accounts: Accounts
    personal_data: PersonalData
    passwords: Passwords
    password_hashes: PasswordHashes
    access_tokens: AccessTokens


@asynccontextmanager
async def open_product(
    database_url: str, keys: Keys, *, hashing: Parameters = STRONG
) -> AsyncIterator[Product]:
    """Connect to a migrated database and put the parts together."""
    database = await Database.connect(database_url)
    passwords = Passwords(hashing)
    try:
        codec, hints = Codec(), Hints()
        store = PostgresEventStore(database, codec, hints, [t.name for t in INLINE_TABLES])
        ledger = Ledger(store=store, loader=Loader(store), new_id=uuid7)
        personal_data = PersonalData(
            database, wrapping_key=keys.personal_data, email_hash_key=keys.email_hash
        )
        yield Product(
            database=database,
            store=store,
            log=PostgresEventLog(database, codec, hints),
            hints=hints,
            ledger=ledger,
            posts=posts(PostView()),
            post_queries=PostQueries(database, database.keep()),
            account_queries=AccountQueries(database, database.keep()),
            accounts=Accounts(ledger, accounts(AccountView()), personal_data, password_row),
            personal_data=personal_data,
            passwords=passwords,
            password_hashes=PasswordHashes(database),
            access_tokens=AccessTokens(keys.access_token, uuid7),
        )
    finally:
        passwords.close()
        await database.close()
