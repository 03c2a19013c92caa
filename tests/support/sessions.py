"""Sessions as rows, for tests of the tables below the commands."""

from datetime import datetime, timedelta
from uuid import UUID

from uuid_utils.compat import uuid7

from commands.sessions import SESSION_LIFETIME, Session
from tests.support.accounts import AT


def session_of(
    account_id: UUID,
    *,
    account_version: int = 1,
    started_at: datetime = AT,
    lasting: timedelta = SESSION_LIFETIME,
    second_factor: bool = False,
    client: str = "a test",
) -> Session:
    """Make a session that is not begun yet."""
    return Session(
        id=uuid7(),
        account_id=account_id,
        account_version=account_version,
        second_factor=second_factor,
        client=client,
        started_at=started_at,
        used_at=started_at,
        expires_at=started_at + lasting,
    )
