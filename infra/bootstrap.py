"""The composition root: what the processes are made of, put together in one place.

Every command of `ledgerpress` and every end-to-end test opens the product here.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import msgspec
from argon2 import Parameters
from uuid_utils.compat import uuid7

from commands.accounts import Accounts, accounts
from commands.exports import forget_exports
from commands.file_removal import FileRemoval, forget_files
from commands.files import Files
from commands.handle import Ledger
from commands.identity import Identity
from commands.jobs import Jobs, jobs
from commands.limits import Limiter
from commands.loading import Loader
from commands.posts import Posts, posts
from commands.sessions import Sessions
from commands.tracing import Tracer
from infra.clicks import TAKEN_CLICKS
from infra.exports.open import open_exports
from infra.files.open import FILE_TABLES, file_commands, open_files
from infra.identity.credentials import PostgresCredentials
from infra.identity.email_tokens import PostgresPasswordResets, PostgresRegistrations
from infra.identity.password_strength import new_password
from infra.identity.passwords import (
    ACCOUNT_PASSWORDS,
    STRONG,
    PasswordHashes,
    Passwords,
    normalised_password,
    password_row,
)
from infra.identity.people import PostgresPeople
from infra.identity.personal_data import ERASURES, PERSON_KEYS, PersonalData
from infra.identity.second_factors import SECOND_FACTOR_CHANGES, PostgresSecondFactors
from infra.identity.sessions import SESSIONS, PostgresSessions, new_secret, secret_hash
from infra.identity.tokens import LIFETIME, AccessTokens
from infra.keys import Keys
from infra.mail.open import mail_sender
from infra.mail.queue import PostgresMailQueue
from infra.postgres import Database
from infra.settings import Settings
from infra.store.codec import Codec
from infra.store.event_log import PostgresEventLog
from infra.store.event_store import PostgresEventStore
from infra.store.hints import Hints
from infra.telemetry.traces import LoggedTraces
from infra.webhooks.secrets import WEBHOOK_CHANGES
from projections.accounts import ACCOUNTS, AccountQueries, AccountView
from projections.file_queries import FileQueries
from projections.jobs import JOBS, JobQueries, JobView
from projections.post_queries import PostQueries
from projections.posts import FORMER_SLUGS, POSTS, PostView
from projections.redirects import REDIRECTS
from projections.webhooks import WEBHOOKS
from projections.write import Put
from workers.watching import Watching

SECRET_TABLES = (PERSON_KEYS, ACCOUNT_PASSWORDS, SESSIONS, SECOND_FACTOR_CHANGES, ERASURES)
"""What accounts have outside the log: it cannot be made again from events."""
INLINE_TABLES = (
    *(POSTS, FORMER_SLUGS, ACCOUNTS, JOBS, REDIRECTS, TAKEN_CLICKS),
    *(WEBHOOKS, WEBHOOK_CHANGES),
    *FILE_TABLES,
    *SECRET_TABLES,
)
"""The tables that are written in the transaction of the events."""


class Product(msgspec.Struct, frozen=True):
    """The running product's parts that do not depend on who uses them."""

    keys: Keys
    codec: Codec
    database: Database
    store: PostgresEventStore
    log: PostgresEventLog
    hints: Hints
    ledger: Ledger
    posts: Posts
    post_queries: PostQueries
    files: Files
    file_queries: FileQueries
    account_queries: AccountQueries
    accounts: Accounts
    jobs: Jobs
    job_queries: JobQueries
    sessions: Sessions
    registrations: PostgresRegistrations
    mails: PostgresMailQueue
    personal_data: PersonalData
    passwords: Passwords
    password_hashes: PasswordHashes
    access_tokens: AccessTokens
    watching: Watching
    tracer: Tracer | None
    """None where no traces are made."""


@asynccontextmanager
async def open_product(
    database_url: str, keys: Keys, *, hashing: Parameters = STRONG, tracer: Tracer | None = None
) -> AsyncIterator[Product]:
    """Connect to a migrated database and put the parts together."""
    database = await Database.connect(database_url)
    passwords = Passwords(hashing)
    try:
        codec, hints = Codec(), Hints()
        store = PostgresEventStore(database, codec, hints, [t.name for t in INLINE_TABLES], tracer)
        ledger = Ledger(store=store, loader=Loader(store), new_id=uuid7)
        personal_data = PersonalData(
            database, wrapping_key=keys.personal_data, email_hash_key=keys.email_hash
        )
        its_accounts = Accounts(ledger, accounts(AccountView()), personal_data, password_row)
        access_tokens = AccessTokens(keys.access_token, uuid7)
        file_queries = FileQueries(database, database.keep())
        yield Product(
            database=database,
            store=store,
            log=PostgresEventLog(database, codec, hints),
            hints=hints,
            ledger=ledger,
            posts=posts(PostView()),
            post_queries=PostQueries(database, database.keep()),
            files=file_commands(ledger, database, personal_data, file_queries),
            file_queries=file_queries,
            account_queries=AccountQueries(database, database.keep()),
            accounts=its_accounts,
            jobs=Jobs(ledger, jobs(JobView())),
            job_queries=JobQueries(database),
            sessions=Sessions(
                accounts=its_accounts,
                store=PostgresSessions(database),
                new_secret=new_secret,
                hash_of=secret_hash,
                issue=access_tokens.issue,
                access_lifetime=LIFETIME,
            ),
            registrations=PostgresRegistrations(database, keys.personal_data),
            keys=keys,
            codec=codec,
            mails=PostgresMailQueue(database, keys.personal_data, uuid7),
            personal_data=personal_data,
            passwords=passwords,
            password_hashes=PasswordHashes(database),
            access_tokens=access_tokens,
            watching=Watching(tracer, LoggedTraces(database)),
            tracer=tracer,
        )
    finally:
        passwords.close()
        await database.close()


def identity(product: Product, settings: Settings, limiter: Limiter) -> Identity:
    """Put together what the commands that prove who somebody is work with."""
    database, personal_data = product.database, product.personal_data
    return Identity(
        accounts=product.accounts,
        sessions=product.sessions,
        credentials=PostgresCredentials(database),
        passwords=product.passwords,
        normalised=normalised_password,
        new_password=new_password,
        people=PostgresPeople(database, personal_data, product.codec),
        registrations=product.registrations,
        resets=PostgresPasswordResets(database),
        second_factors=PostgresSecondFactors(database, personal_data),
        mails=product.mails,
        mail_sender=mail_sender(settings),
        limiter=limiter,
        erasure_row=lambda account_id, email_hash: Put(ERASURES, (account_id, email_hash)),
        forget_exports=partial(
            forget_exports, open_exports(product.jobs, product.job_queries, settings)
        ),
        forget_files=partial(forget_files, file_removal(product, settings)),
        public_url=settings.public_url.rstrip("/"),
    )


def file_removal(product: Product, settings: Settings) -> FileRemoval:
    """Put together what removes files that nobody asks for."""
    return FileRemoval(
        ledger=product.ledger,
        posts=product.posts,
        files=product.files,
        queries=product.file_queries,
        blobs=open_files(product.database, settings).removal,
    )
