"""The tables of what waits for a token from a message: registrations, and new passwords."""

from datetime import datetime
from uuid import UUID

import msgspec

from commands.identity import Pending
from infra.identity.personal_data import QUERIES
from infra.identity.sealer import Sealer
from projections.database import Database


class _Sealed(msgspec.Struct, frozen=True):
    email: str
    name: str | None


class PostgresRegistrations:
    """See `commands.identity.Registrations`. Address and name are sealed."""

    def __init__(self, database: Database, secret: bytes) -> None:
        self._database = database
        self._sealer = Sealer(secret, "registration")

    async def put(self, token_hash: bytes, pending: Pending) -> None:
        """Keep somebody."""
        plain = msgspec.json.encode(_Sealed(pending.email, pending.name))
        await self._database.fetch(
            QUERIES["put_registration"],
            token_hash,
            pending.account_id,
            pending.email_hash,
            self._sealer.seal(plain, token_hash),
            pending.password_hash,
            pending.expires_at,
        )

    async def find(self, token_hash: bytes, at: datetime) -> Pending | None:
        """Find somebody whose time is not over."""
        rows = await self._database.fetch(QUERIES["registration"], token_hash, at)
        if not rows:
            return None
        account_id, email_hash, sealed, password_hash, expires_at = rows[0]
        plain = msgspec.json.decode(self._sealer.open(sealed, token_hash), type=_Sealed)
        return Pending(
            account_id=account_id,
            email=plain.email,
            email_hash=email_hash,
            name=plain.name,
            password_hash=password_hash,
            expires_at=expires_at,
        )

    async def remove(self, email_hash: str) -> None:
        """Forget all who wait with an address."""
        await self._database.fetch(QUERIES["remove_registrations"], email_hash)

    async def forget(self, now: datetime, most: int) -> int:
        """Delete no more than so many whose time is over; tell how many."""
        return len(await self._database.fetch(QUERIES["delete_expired_registrations"], now, most))


class PostgresPasswordResets:
    """See `commands.identity.PasswordResets`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, token_hash: bytes, account_id: UUID, expires_at: datetime) -> None:
        """Keep a token's hash."""
        await self._database.fetch(QUERIES["put_reset"], token_hash, account_id, expires_at)

    async def find(self, token_hash: bytes, at: datetime) -> UUID | None:
        """Tell whose a token is."""
        rows = await self._database.fetch(QUERIES["reset"], token_hash, at)
        return rows[0][0] if rows else None

    async def take(self, token_hash: bytes) -> bool:
        """Use a token up, and tell whether it was still there."""
        return bool(await self._database.fetch(QUERIES["take_reset"], token_hash))

    async def forget(self, now: datetime, most: int) -> int:
        """Delete no more than so many whose time is over; tell how many."""
        return len(await self._database.fetch(QUERIES["delete_expired_resets"], now, most))
