"""What commands about one person begin with: the product, and the account with an address."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

from commands.identity import Identity, KnownAccount
from infra.bootstrap import identity
from infra.cli.common import Failure, opened
from infra.settings import Settings


class KnownPerson(NamedTuple):
    """Somebody with an account, and what the commands about them work with."""

    identity: Identity
    account: KnownAccount


@asynccontextmanager
async def person_with(
    settings: Settings, email: str, *, redis_url: str
) -> AsyncIterator[KnownPerson]:
    """Find the person who has an address; there must be one."""
    # Redis takes longer to import than all else together, and `users` mostly does without.
    from infra.identity.limits import redis_limiter  # noqa: PLC0415

    async with (
        opened(settings) as product,
        redis_limiter(redis_url, key=product.keys.attempts) as limiter,
    ):
        its = identity(product, settings, limiter)
        email_hash = product.personal_data.email_hash(email)
        account = (await its.credentials.by_email(email_hash)).account
        if account is None:
            raise Failure(f"there is no account with the address {email}")
        yield KnownPerson(its, account)
