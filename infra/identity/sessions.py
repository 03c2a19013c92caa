"""Sessions and refresh tokens in PostgreSQL, where a flushed cache neither ends nor revives one."""

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import msgspec

from commands.sessions import Renewed, Reused, Secret, Session
from projections.database import Database, load_queries
from projections.write import Put, Table

QUERIES = load_queries(Path(__file__).with_name("sessions.sql"))
SESSIONS = Table("sessions", Session.__struct_fields__, key_columns=1)

KEPT = timedelta(days=7)
"""How long a session is kept after its time, so that a clock which runs ahead ends none."""

_RANDOM_BYTES = 32


def new_secret() -> Secret:
    """Make a secret of 256 random bits, which nobody finds by trying."""
    text = secrets.token_urlsafe(_RANDOM_BYTES)
    return Secret(text, secret_hash(text))


def secret_hash(text: str) -> bytes:
    """Give the hash by which a secret is kept: SHA-256, as there is nothing to guess."""
    return hashlib.sha256(text.encode(errors="replace")).digest()


class PostgresSessions:
    """See `commands.sessions.SessionStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def start(self, session: Session, refresh_hash: bytes) -> None:
        """Begin a session with its first refresh token."""
        row = msgspec.structs.astuple(session)
        await self._database.fetch(QUERIES["start"], *row, refresh_hash)

    async def renew(
        self, refresh_hash: bytes, new_hash: bytes, at: datetime
    ) -> Renewed | Reused | None:
        """Replace a refresh token in one step; None for one that no living session has."""
        rows = await self._database.fetch(QUERIES["renew"], refresh_hash, new_hash, at)
        if rows:
            return Renewed(Session(*rows[0]))
        rows = await self._database.fetch(QUERIES["replaced"], refresh_hash, at)
        return Reused(Session(*rows[0])) if rows else None

    async def alive(self, account_id: UUID, at: datetime) -> Sequence[Session]:
        """List an account's sessions that are not over, the last used first."""
        rows = await self._database.fetch(QUERIES["alive"], account_id, at)
        return [Session(*row) for row in rows]

    async def find(self, session_id: UUID) -> Session | None:
        """Find a session, also one that is over."""
        rows = await self._database.fetch(QUERIES["find"], session_id)
        return Session(*rows[0]) if rows else None

    def row(self, session: Session) -> Put:
        """Give the row to write with an event."""
        return Put(SESSIONS, msgspec.structs.astuple(session))

    async def forget(self, now: datetime, most: int) -> int:
        """Delete no more than so many tokens and sessions that are long over; tell how many."""
        before = now - KEPT
        tokens = await self._database.fetch(QUERIES["delete_tokens_of_over"], before, most)
        left = most - len(tokens)
        if not left:
            return most
        return len(tokens) + len(await self._database.fetch(QUERIES["delete_over"], before, left))
