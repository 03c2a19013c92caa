"""Accounts as signing in finds them: with their password hash, in one query."""

from typing import Any
from uuid import UUID

from commands.identity import KnownAccount, LookUp
from infra.identity.passwords import PasswordHashes, password_row
from infra.identity.personal_data import QUERIES
from projections.database import Database
from projections.write import Put


class PostgresCredentials:
    """See `commands.identity.CredentialStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._hashes = PasswordHashes(database)

    async def by_email(self, email_hash: str) -> LookUp:
        """Look an address up."""
        return _look_up(await self._database.fetch(QUERIES["credentials_by_email"], email_hash))

    async def by_id(self, account_id: UUID) -> LookUp:
        """Look an account up."""
        return _look_up(await self._database.fetch(QUERIES["credentials_by_id"], account_id))

    async def replace_hash(self, account_id: UUID, old: str, new: str) -> None:
        """Put another hash of the same password in place of one, unless it has changed since."""
        await self._hashes.replace(account_id, old, new)

    def password_row(self, account_id: UUID, password_hash: str) -> Put:
        """Give the row to write with an event."""
        return password_row(account_id, password_hash)


def _look_up(rows: Any) -> LookUp:  # noqa: ANN401 - asyncpg's records
    bcrypt_cost, account_id, *rest = rows[0]
    return LookUp(None if account_id is None else KnownAccount(account_id, *rest), bcrypt_cost)
